/**
 * Leader election on a Lease, with client-go's protocol and times, so that Go controllers could share the lease.
 *
 * Guarantees: `isLeader()` is false before any other process can hold the lease, also when this process was frozen, its event loop was
 * blocked, or its clock was stepped: it is asked of a clock, not of a timer. The holder counts from the moment it *began* its last
 * successful renewal and gives up after `renewMs`; others count from the moment they *saw* that renewal and wait `leaseMs`.
 * Assumes that clocks of different machines run at about the same rate; what time they show does not matter.
 * Caveat: a request whose bytes are on their way when leadership ends can still arrive. Preconditions on each write cover that.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lease } from '../api/objects.ts';
import { VolprimeError } from '../api/errors.ts';
import { apiVersionOf, leases } from '../api/resources.ts';
import type { KubeClient, WriteOutcome } from '../kube/index.ts';
import type { Gauge, Logger, Metrics } from '../telemetry/index.ts';
import { type EventRecorder, microTime } from './event-recorder.ts';
import { type HastyClock, hastyClock, type Mark } from './hasty-clock.ts';
import type { Leadership } from './write-gate.ts';

export interface LeaderTimings {
  /** How long others wait after the last renewal that they saw. */
  readonly leaseMs: number;
  /** How long the holder leads on after it began its last successful renewal; less than `leaseMs`. */
  readonly renewMs: number;
  /** Time between tries. */
  readonly retryMs: number;
}

export interface LeaderOptions {
  /** Not gated: the lease is what the gate is made of. */
  readonly client: Pick<KubeClient, 'get' | 'create' | 'mergePatch'>;
  readonly name: string;
  readonly namespace: string;
  /** Unique to this process: two processes that share it both lead. */
  readonly identity: string;
  /** 15 s, 10 s, 2 s unless told. */
  readonly timings?: Partial<LeaderTimings>;
  readonly events?: EventRecorder | undefined;
  /** By which this process measures its own term: never slow. */
  readonly ownClock?: HastyClock;
  /** By which it measures the term of others, in milliseconds: never fast. */
  readonly othersClock?: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

interface Observed {
  readonly lease: Lease;
  /** When this version was first seen, by the others' clock. */
  readonly at: number;
}

const defaults: LeaderTimings = { leaseMs: 15_000, renewMs: 10_000, retryMs: 2_000 };

export class Leader implements Leadership {
  readonly #options: LeaderOptions;
  readonly #timings: LeaderTimings;
  readonly #logger: Logger;
  readonly #status: Gauge;
  readonly #clock: HastyClock;
  readonly #othersClock: () => number;
  #observed: Observed | undefined;
  /** When the last successful renewal was begun. */
  #renewed: Mark;
  #term: AbortController | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#timings = { ...defaults, ...options.timings };
    if (this.#timings.renewMs >= this.#timings.leaseMs) throw new RangeError('renewMs must be less than leaseMs');
    this.#clock = options.ownClock ?? hastyClock;
    this.#othersClock = options.othersClock ?? (() => performance.now());
    this.#renewed = this.#clock.mark();
    this.#logger = options.logger.child({ lease: `${options.namespace}/${options.name}`, identity: options.identity });
    this.#status = options.metrics.gauge({
      name: 'leader_election_master_status',
      help: 'Whether this process holds the lease.',
      labels: ['name'],
    });
    this.#status.set(0, { name: options.name });
  }

  isLeader(): boolean {
    if (this.#term === undefined) return false;
    if (this.#clock.since(this.#renewed) < this.#timings.renewMs) return true;
    this.#lose('the lease was not renewed in time');
    return false;
  }

  /** Who holds the lease as far as is known; for logs and probes. */
  get holder(): string | undefined {
    return this.#observed?.lease.spec.holderIdentity;
  }

  /** Resolves once this process leads, with a signal that fires when it does so no more. Rejects with the given signal's reason. */
  async campaign(signal: AbortSignal): Promise<AbortSignal> {
    this.#logger.info('campaigning for the lease');
    while (!(await this.#tryAcquire(signal))) {
      signal.throwIfAborted();
      // Not the timer's own error: the caller knows its signal by the reason.
      await sleep(this.#jittered(), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
    const term = new AbortController();
    this.#term = term;
    this.#status.set(1, { name: this.#options.name });
    this.#logger.info('became leader');
    this.#announce();
    this.#armDeadline();
    this.#renewing = this.#renew(term);
    return term.signal;
  }

  /** Ends the term and empties the lease, so that others need not wait for it to run out. */
  async resign(): Promise<void> {
    if (this.#term === undefined) return;
    this.#endTerm(new VolprimeError('LEADERSHIP_RESIGNED', 'resigned'));
    await this.#renewing;
    try {
      if (await this.#release()) return this.#logger.info('released the lease');
    } catch (error) {
      this.#logger.warn('the lease could not be released; others take it when it has run out', { error });
    }
  }

  async #release(): Promise<boolean> {
    const { client, namespace, name, identity } = this.#options;
    const timeoutMs = this.#timings.renewMs;
    const spec = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(Date.now()) };
    // Read again: a renewal that was cut short may have arrived.
    const lease = await client.get(leases, { namespace, name }, { timeoutMs });
    if (lease?.spec.holderIdentity !== identity) return false;
    return (await this.#write(lease, spec, timeoutMs)).type === 'done';
  }

  async #renew(term: AbortController): Promise<void> {
    while (!term.signal.aborted) {
      await sleep(this.#timings.retryMs, undefined, { signal: term.signal }).catch(() => {});
      if (term.signal.aborted || !this.isLeader()) return;
      if (await this.#tryAcquire(term.signal)) {
        if (!term.signal.aborted) this.#armDeadline();
      } else if (this.#heldByOther()) {
        this.#lose(`the lease was taken by ${this.holder}`);
      }
    }
  }

  /** One try to take or renew the lease. Failures are logged: whether they matter is for the clock to say. */
  async #tryAcquire(signal: AbortSignal): Promise<boolean> {
    const began = this.#clock.mark();
    try {
      const outcome = await this.#takeOrRenew(signal);
      if (outcome?.type !== 'done') return false;
      this.#observed = { lease: outcome.object, at: this.#othersClock() };
      this.#renewed = began;
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      this.#logger.warn('the lease could not be read or written', { error });
      return false;
    }
  }

  /** Undefined: it is somebody else's. */
  async #takeOrRenew(signal: AbortSignal): Promise<WriteOutcome<Lease> | undefined> {
    const { client, namespace, name, identity } = this.#options;
    const { retryMs, renewMs } = this.#timings;
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#timings.leaseMs / 1000),
      renewTime: microTime(Date.now()),
    };
    // While leading nobody else writes: the version that our last renewal left is current, and one request is enough.
    if (this.#term !== undefined && this.#observed !== undefined) {
      const renewed = await this.#write(this.#observed.lease, spec, Math.max(retryMs, renewMs / 2), signal);
      if (renewed.type !== 'conflict' && renewed.type !== 'absent') return renewed;
    }
    const lease = await client.get(leases, { namespace, name }, { signal, timeoutMs: renewMs });
    if (lease === undefined) {
      const metadata = { namespace, name };
      const first = { ...spec, acquireTime: spec.renewTime, leaseTransitions: 0 };
      const body = { apiVersion: apiVersionOf(leases), kind: leases.kind, metadata, spec: first };
      return await client.create(leases, body, { signal, timeoutMs: renewMs });
    }
    if (this.#observed?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) {
      this.#observed = { lease, at: this.#othersClock() };
    }
    if (lease.spec.holderIdentity === identity) return await this.#write(lease, spec, renewMs, signal);
    if (this.#heldByOther()) return undefined;
    const leaseTransitions = (lease.spec.leaseTransitions ?? 0) + 1;
    return await this.#write(lease, { ...spec, acquireTime: spec.renewTime, leaseTransitions }, renewMs, signal);
  }

  #write(lease: Lease, spec: Lease['spec'], timeoutMs: number, signal?: AbortSignal): Promise<WriteOutcome<Lease>> {
    const { uid, resourceVersion, namespace, name } = lease.metadata;
    const body = { metadata: { uid, resourceVersion }, spec };
    return this.#options.client.mergePatch(leases, { name, namespace }, body, { signal, timeoutMs });
  }

  /** Somebody else's name is on it and its time, counted from when we saw it renewed, is not over. */
  #heldByOther(): boolean {
    if (this.#observed === undefined) return false;
    const { lease, at } = this.#observed;
    const { holderIdentity = '', leaseDurationSeconds = 0 } = lease.spec;
    if (holderIdentity === '' || holderIdentity === this.#options.identity) return false;
    return this.#othersClock() < at + Math.max(this.#timings.leaseMs, leaseDurationSeconds * 1000);
  }

  #armDeadline(): void {
    clearTimeout(this.#deadline);
    const ms = this.#timings.renewMs - this.#clock.since(this.#renewed);
    this.#deadline = setTimeout(
      () => {
        if (this.isLeader()) this.#armDeadline();
      },
      Math.max(1, ms),
    );
  }

  #lose(why: string): void {
    if (this.#term === undefined) return;
    this.#logger.error('leadership lost', { why });
    this.#endTerm(new VolprimeError('LEADERSHIP_LOST', why, { retry: { type: 'never' } }));
  }

  #endTerm(reason: VolprimeError): void {
    const term = this.#term;
    this.#term = undefined;
    clearTimeout(this.#deadline);
    this.#status.set(0, { name: this.#options.name });
    term?.abort(reason);
  }

  #announce(): void {
    if (this.#observed === undefined) return;
    this.#options.events?.emit({
      regarding: this.#observed.lease,
      type: 'Normal',
      reason: 'LeaderElection',
      action: 'Acquire',
      note: `${this.#options.identity} became leader`,
    });
  }

  /** Losers that retry in step would collide at each try. */
  #jittered(): number {
    return this.#timings.retryMs * (1 + Math.random() * 0.2);
  }
}

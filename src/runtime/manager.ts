/**
 * Runs a controller process from start to end: probes, caches, the lease, the controllers, and an orderly shutdown.
 *
 * A standby is warm: its caches follow the cluster while another process leads. A process that loses the lease stops writing at once
 * and ends; whoever started it starts it again.
 */
import type { InformerRegistry } from '../informer/index.ts';
import { type BoundedServer, type Logger, type Metrics, serveHealth, serveMetrics } from '../telemetry/index.ts';
import type { ApiEventRecorder } from './event-recorder.ts';
import type { Leader } from './leader.ts';

/** Something that works while this process leads: a Controller, a sweeper. */
export interface Runnable {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

export interface ManagerOptions {
  readonly informers: InformerRegistry;
  readonly controllers: readonly Runnable[];
  /** Without one this process leads from the start: only where there can be no second. */
  readonly leader?: Leader | undefined;
  readonly events?: ApiEventRecorder | undefined;
  /** No probes are served when absent. */
  readonly health?: Address | undefined;
  /** No metrics are served when absent. */
  readonly exposition?: Address | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** How long running work may take to end; 30 s unless told. */
  readonly graceMs?: number;
}

interface Address {
  readonly port: number;
  readonly host?: string;
}

/** `stopped` was asked for; after `lease-lost` the process should exit with a code that is not zero. */
export type ManagerEnd = 'stopped' | 'lease-lost';

type Phase = 'starting' | 'syncing' | 'standby' | 'leading' | 'stopping';

export class Manager {
  readonly #options: ManagerOptions;
  readonly #logger: Logger;
  #phase: Phase = 'starting';
  #health: BoundedServer | undefined;
  #exposition: BoundedServer | undefined;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#logger = options.logger;
  }

  /** Where probes are served; with port 0 known only while running. */
  get healthPort(): number | undefined {
    return this.#health?.port;
  }

  /** Where metrics are served, likewise. */
  get metricsPort(): number | undefined {
    return this.#exposition?.port;
  }

  /** Why this process is not ready; undefined when it leads, or stands by with warm caches, and every kind is served. */
  notReady(): string | undefined {
    const { informers } = this.#options;
    const missing = informers.missing();
    if (this.#phase === 'leading' || this.#phase === 'standby') return missing && `${this.#phase}: ${missing}`;
    return `${this.#phase}: ${informers.notSynced() ?? 'caches are synced'}`;
  }

  /** Runs until the signal fires or the lease is lost. Rejects when a controller or the probe server fails. */
  async run(signal: AbortSignal): Promise<ManagerEnd> {
    const { informers } = this.#options;
    const caches = new AbortController();
    await this.#serve();
    this.#phase = 'syncing';
    const following = informers.start(caches.signal);
    try {
      return await this.#leadWhenWarm(signal);
    } catch (error) {
      if (signal.aborted && error === signal.reason) return 'stopped';
      throw error;
    } finally {
      this.#phase = 'stopping';
      await this.#options.leader?.resign();
      caches.abort();
      await following;
      await Promise.all([this.#health?.close(), this.#exposition?.close()]);
      this.#logger.info('stopped');
    }
  }

  async #serve(): Promise<void> {
    const { health, exposition, metrics } = this.#options;
    if (health !== undefined) {
      this.#health = await serveHealth({ ...health, healthy: () => undefined, ready: () => this.notReady() });
      this.#logger.info('serving probes', { port: this.#health.port });
    }
    if (exposition !== undefined) {
      this.#exposition = await serveMetrics({ ...exposition, metrics });
      this.#logger.info('serving metrics', { port: this.#exposition.port });
    }
  }

  async #leadWhenWarm(signal: AbortSignal): Promise<ManagerEnd> {
    const { informers, leader, controllers } = this.#options;
    // A process that cannot fill its caches must not hold the lease.
    await informers.waitForSync(signal);
    this.#logger.info('caches are synced');
    this.#phase = 'standby';
    const term = (await leader?.campaign(signal)) ?? new AbortController().signal;
    this.#phase = 'leading';

    const work = new AbortController();
    const stop = () => work.abort(term.aborted ? term.reason : signal.reason);
    for (const source of [signal, term]) {
      if (source.aborted) stop();
      source.addEventListener('abort', stop, { once: true });
    }
    const running = controllers.map((controller) =>
      controller.run(work.signal).catch((error: unknown) => {
        this.#logger.error('a controller failed', { controller: controller.name, error });
        work.abort(error);
        throw error;
      }),
    );
    const settled = Promise.allSettled(running);
    if (!work.signal.aborted)
      await new Promise((resolve) => work.signal.addEventListener('abort', resolve, { once: true }));
    this.#phase = 'stopping';
    await this.#grace(settled);
    signal.removeEventListener('abort', stop);
    if (term.aborted) return 'lease-lost';
    if (!signal.aborted) throw work.signal.reason;
    return 'stopped';
  }

  /** Running reconciles and waiting events get their time, but no more. */
  async #grace(work: Promise<unknown>): Promise<void> {
    const graceMs = this.#options.graceMs ?? 30_000;
    const { promise: over, resolve } = Promise.withResolvers<'over'>();
    const deadline = performance.now() + graceMs;
    const timer = setTimeout(resolve, graceMs, 'over');
    if ((await Promise.race([work, over])) === 'over') this.#logger.warn('work did not end in time', { graceMs });
    clearTimeout(timer);
    await this.#options.events?.flush(Math.max(0, deadline - performance.now()));
  }
}

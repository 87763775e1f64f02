/** The loop around list-watch.ts for one namespace, or for all: feeds the store, waits between tries, and never gives up. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../api/objects.ts';
import { VolprimeError } from '../api/errors.ts';
import { type Backoff, backoffDelay, isKubeError } from '../kube/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { InformerMetrics } from './informer-metrics.ts';
import { initialState, type ListWatchPort, type ListWatchState, step, type Told } from './list-watch.ts';
import type { MemoryStore } from './store.ts';

export interface ReflectorTimings {
  readonly backoff: Backoff;
  /** A failure after this much health starts again at the base delay. */
  readonly healthyMs: number;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly port: ListWatchPort<T>;
  readonly store: MemoryStore<T>;
  readonly namespace?: string | undefined;
  /** What is listed, in words: `persistentvolumeclaims in namespace a`. */
  readonly subject: string;
  readonly timings: ReflectorTimings;
  readonly logger: Logger;
  readonly metrics: InformerMetrics;
  /** The first complete list is in the store, or (for optional kinds) the kind is known not to be served. */
  readonly onSynced: () => void;
  /** Whether a kind that is not served counts as an empty one. */
  readonly optional: boolean;
}

export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  #failures = 0;
  #lastFailureAt = Number.NEGATIVE_INFINITY;
  #watchOpenedAt = 0;
  #problem: string | undefined;
  #notServed = false;
  #missing = false;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  /** What is wrong now, for a person; undefined when list and watch do well. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The server is known not to serve the kind, and it is not one that may be absent. */
  get missing(): boolean {
    return this.#missing && !this.#options.optional;
  }

  async run(signal: AbortSignal): Promise<void> {
    let state: ListWatchState<T> = initialState();
    while (!signal.aborted) {
      const { next, told } = await step(state, this.#options.port);
      if (signal.aborted) break;
      if (state.at !== 'Watching' && next.at === 'Watching') this.#opened();
      state = next;
      const pauseMs = this.#take(told);
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
    if (state.at === 'Watching') await state.events.return?.();
  }

  #opened(): void {
    this.#watchOpenedAt = performance.now();
    this.#options.metrics.connected();
  }

  /** Brings the news to the store; says how long to wait before the next step. */
  #take(told: Told<T>): number {
    const { store, namespace, metrics, logger, subject } = this.#options;
    switch (told.type) {
      case 'nothing':
        return 0;
      case 'listed':
        store.replace(told.items, told.resourceVersion, namespace);
        metrics.listed();
        logger.debug('listed', { subject, objects: told.items.length, resourceVersion: told.resourceVersion });
        this.#options.onSynced();
        this.#notServed = false;
        this.#missing = false;
        return this.#well();
      case 'changed':
        store.apply(told.object);
        return this.#well();
      case 'deleted':
        store.remove(told.object);
        return this.#well();
      case 'bookmark':
        store.advance(told.resourceVersion, namespace);
        return this.#well();
      case 'closed':
        // A server that ends every watch at once must not be asked in a tight loop.
        return told.silent && performance.now() - this.#watchOpenedAt < 1000 ? this.#nextDelay() : 0;
      case 'failed':
        return this.#failed(told.error);
    }
  }

  #well(): number {
    this.#options.metrics.told();
    if (this.#problem !== undefined) {
      this.#options.logger.info('list and watch recovered', { subject: this.#options.subject });
      this.#problem = undefined;
    }
    return 0;
  }

  #failed(error: unknown): number {
    const { logger, metrics, subject } = this.#options;
    metrics.failed(error instanceof VolprimeError ? error.code : 'UNKNOWN');
    if (isKubeError(error, 'KUBE_NOT_FOUND')) this.#kindNotServed();
    const problem = describe(error, subject);
    // Told once, not at each try.
    if (problem !== this.#problem) logger.warn(problem, { error });
    else logger.debug(problem, { failures: this.#failures });
    this.#problem = problem;
    const retry = error instanceof VolprimeError ? error.retry : undefined;
    const delay = this.#nextDelay();
    return retry?.type === 'after' ? Math.max(retry.ms, delay) : delay;
  }

  /** Twice in a row before it is believed: an API server that is starting may not know the kind yet. */
  #kindNotServed(): void {
    if (this.#notServed) {
      this.#missing = true;
      this.#options.store.replace([], '', this.#options.namespace);
      if (this.#options.optional) this.#options.onSynced();
    }
    this.#notServed = true;
  }

  #nextDelay(): number {
    const { backoff, healthyMs } = this.#options.timings;
    const now = performance.now();
    if (now - this.#lastFailureAt > healthyMs) this.#failures = 0;
    this.#lastFailureAt = now;
    this.#failures += 1;
    return backoffDelay(backoff, this.#failures);
  }
}

function describe(error: unknown, subject: string): string {
  if (isKubeError(error, 'KUBE_FORBIDDEN')) {
    return `not allowed to ${error.verb ?? 'list'} ${subject}: grant the verbs get, list and watch by RBAC`;
  }
  if (isKubeError(error, 'KUBE_NOT_FOUND')) return `${subject} are not served by this cluster: is their CRD installed?`;
  if (isKubeError(error)) return `cannot follow ${subject}: ${error.message}`;
  return `cannot follow ${subject}`;
}

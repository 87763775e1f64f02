/** One resource as it is now: a store that list and watch keep current, and the announcement of each change. Shared by all controllers. */
import type { KubeObject } from '../api/objects.ts';
import type { Resource } from '../api/resources.ts';
import { type KubeReader, resourceName } from '../kube/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { informerMetrics } from './informer-metrics.ts';
import { Reflector, type ReflectorTimings } from './reflector.ts';
import { type Change, type Indexes, MemoryStore, type Store } from './store.ts';
import { withinBudget } from './metadata-budget.ts';
import { frozen, type KeptManagers, withoutBookkeeping } from './transform.ts';
import { type WatchTimings, watchPort } from './watch-port.ts';

export type InformerTimings = WatchTimings & ReflectorTimings;

/** client-go's times. */
export const defaultTimings: InformerTimings = {
  serverTimeoutMs: 5 * 60_000,
  idleMs: 100_000,
  backoff: { baseMs: 800, capMs: 30_000 },
  healthyMs: 2 * 60_000,
};

export interface InformerOptions<T extends KubeObject> {
  readonly client: Pick<KubeReader, 'listPage' | 'watch'>;
  readonly resource: Resource<T>;
  /** Only these namespaces, each with a list and watch of its own; all when absent. Ignored for cluster-scoped resources. */
  readonly namespaces?: readonly string[] | undefined;
  /** Own writes to objects outside of the selector must not be merged: nothing would ever take them out again. */
  readonly labelSelector?: string | undefined;
  readonly indexes?: Indexes<T> | undefined;
  /** What is kept of an object, where that is less than all. */
  readonly keep?: ((object: T) => T) | undefined;
  /** What is kept of `managedFields` (default: nothing). */
  readonly managers?: KeptManagers | undefined;
  /** A kind that is not served counts as an empty one, and is followed when it comes. */
  readonly optional?: boolean | undefined;
  /** Freezes what is stored; for tests and development. */
  readonly freeze?: boolean | undefined;
  readonly timings?: Partial<InformerTimings> | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export class Informer<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly #store: MemoryStore<T>;
  readonly #reflectors: readonly Pick<Reflector<T>, 'run' | 'problem' | 'missing'>[];
  readonly #handlers = new Set<(change: Change<T>) => void>();
  readonly #unsynced: Set<number>;
  readonly #logger: Logger;
  readonly #synced = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  #managers: KeptManagers | undefined;
  #running: Promise<void> | undefined;

  constructor(options: InformerOptions<T>) {
    const name = resourceName(options.resource);
    const timings = { ...defaultTimings, ...options.timings };
    const namespaces = options.resource.namespaced ? options.namespaces : undefined;
    this.resource = options.resource;
    this.#logger = options.logger.child({ resource: name });
    this.#managers = options.managers;
    const kept = (given: T) => {
      const object = withoutBookkeeping(given, this.#managers);
      // What is in no namespace is written by operators and Kubernetes alone.
      const bounded = options.resource.namespaced ? withinBudget(object) : object;
      return options.keep?.(bounded) ?? bounded;
    };
    this.#store = new MemoryStore<T>({
      namespaces,
      indexes: options.indexes ?? {},
      transform: (object) => (options.freeze ? frozen(kept(object)) : kept(object)),
      onChange: (change) => this.#announce(change),
    });
    const scopes = namespaces ?? [undefined];
    this.#unsynced = new Set(scopes.keys());
    const metrics = informerMetrics(options.metrics, name, () => this.#store.size);
    this.#reflectors = scopes.map(
      (namespace, index) =>
        new Reflector<T>({
          port: watchPort({
            client: options.client,
            resource: options.resource,
            selection: { namespace, labelSelector: options.labelSelector },
            timings,
            signal: this.#stop.signal,
          }),
          store: this.#store,
          namespace,
          subject: namespace === undefined ? name : `${name} in namespace ${namespace}`,
          timings,
          logger: this.#logger,
          metrics,
          onSynced: () => this.#markSynced(index),
          optional: options.optional ?? false,
        }),
    );
  }

  get store(): Store<T> {
    return this.#store;
  }

  /** Indexes may come late; a taken name keeps its function. */
  addIndexes(indexes: Indexes<T>): void {
    this.#store.addIndexes(indexes);
  }

  /** Of what is learned from now on; who asks first is heard. */
  keepManagers(managers: KeptManagers): void {
    this.#managers ??= managers;
  }

  /**
   * Tells every change from now on, and what is known already as additions. Handlers run inside the list-watch loop: they only enqueue
   * keys. One that throws is logged. Returns the way to unsubscribe.
   */
  onChange(handler: (change: Change<T>) => void): () => void {
    this.#handlers.add(handler);
    for (const object of this.#store.list()) this.#tell(handler, { new: object, origin: 'watch' });
    return () => this.#handlers.delete(handler);
  }

  /** Follows the resource until the signal fires; never ends otherwise. Starting twice is starting once. */
  start(signal: AbortSignal): Promise<void> {
    this.#running ??= this.#run(signal);
    return this.#running;
  }

  synced(): boolean {
    return this.#unsynced.size === 0;
  }

  /** Rejects with the signal's reason. */
  waitForSync(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      void this.#synced.promise.then(() => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
    });
  }

  /** Whether the server has stopped to serve the kind, or never did; false for kinds that may be absent. */
  missing(): boolean {
    return this.#reflectors.some(({ missing }) => missing);
  }

  /** What keeps list and watch from doing well, for a person; empty when nothing does. */
  problems(): readonly string[] {
    return this.#reflectors.flatMap(({ problem }) => problem ?? []);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const stop = () => this.#stop.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    await Promise.all(this.#reflectors.map((reflector) => reflector.run(this.#stop.signal)));
  }

  #markSynced(scope: number): void {
    if (this.#unsynced.delete(scope) && this.#unsynced.size === 0) this.#synced.resolve();
  }

  #announce(change: Change<T>): void {
    for (const handler of this.#handlers) this.#tell(handler, change);
  }

  #tell(handler: (change: Change<T>) => void, change: Change<T>): void {
    try {
      handler(change);
    } catch (error) {
      this.#logger.error('a change handler threw', { error });
    }
  }
}

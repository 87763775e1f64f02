/** One informer per resource and selector, however many controllers ask for it: one watch at the server, one copy in memory. */
import type { KubeObject } from '../api/objects.ts';
import type { Resource } from '../api/resources.ts';
import { type KubeReader, resourceName } from '../kube/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { Informer, type InformerOptions, type InformerTimings } from './informer.ts';

export interface InformerRegistryOptions {
  readonly client: Pick<KubeReader, 'listPage' | 'watch'>;
  /** Confines all informers of namespaced resources; all namespaces when absent. */
  readonly namespaces?: readonly string[] | undefined;
  readonly freeze?: boolean | undefined;
  readonly timings?: Partial<InformerTimings> | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export type InformerRequest<T extends KubeObject> = Pick<
  InformerOptions<T>,
  'indexes' | 'labelSelector' | 'optional' | 'managers' | 'keep'
>;

export class InformerRegistry {
  readonly #options: InformerRegistryOptions;
  readonly #informers = new Map<string, Informer<KubeObject>>();
  #signal: AbortSignal | undefined;
  readonly #running: Promise<void>[] = [];

  constructor(options: InformerRegistryOptions) {
    this.#options = options;
  }

  /** The shared informer, made if nobody asked before; `indexes` are added to it. After `start` a new one starts at once. */
  informer<T extends KubeObject>(resource: Resource<T>, request: InformerRequest<T> = {}): Informer<T> {
    const id = `${resourceName(resource)}/${resource.version}?${request.labelSelector ?? ''}`;
    // The resource names the shape, so what is stored under its id has it.
    const known = this.#informers.get(id) as Informer<T> | undefined;
    if (known !== undefined) {
      known.addIndexes(request.indexes ?? {});
      if (request.managers !== undefined) known.keepManagers(request.managers);
      return known;
    }
    const made = new Informer<T>({ ...this.#options, ...request, resource });
    this.#informers.set(id, made as unknown as Informer<KubeObject>);
    if (this.#signal !== undefined) this.#running.push(made.start(this.#signal));
    return made;
  }

  /** Starts every informer; resolves when the signal fired and all of them have ended. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#signal === undefined) {
      this.#signal = signal;
      for (const informer of this.#informers.values()) this.#running.push(informer.start(signal));
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    await Promise.all(this.#running);
  }

  synced(): boolean {
    return [...this.#informers.values()].every((informer) => informer.synced());
  }

  /** Which kinds are not served although they must be, for a person; undefined when all are. Unlike a server that is away, this does not pass. */
  missing(): string | undefined {
    const missing = [...this.#informers.values()].filter((informer) => informer.missing());
    return missing.length === 0 ? undefined : missing.flatMap((informer) => informer.problems()).join('; ');
  }

  /** Rejects with the signal's reason. */
  async waitForSync(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.waitForSync(signal)));
  }

  /** Why not all informers are synced, for a person; undefined when they are. */
  notSynced(): string | undefined {
    const waiting = [...this.#informers.values()].filter((informer) => !informer.synced());
    if (waiting.length === 0) return undefined;
    return waiting
      .map((informer) => informer.problems().join('; ') || `${resourceName(informer.resource)} not listed yet`)
      .join('; ');
  }
}

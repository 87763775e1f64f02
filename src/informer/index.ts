/**
 * List and watch that never ends and never needs a restart, and the store that it feeds. Called by `runtime` (start, readiness) and by
 * `observe` of every controller (reads). Must not know queues, controllers or what any object means.
 */
export { Informer, type InformerOptions, type InformerTimings } from './informer.ts';
export { InformerRegistry, type InformerRegistryOptions, type InformerRequest } from './informer-registry.ts';
export type { KeptManagers } from './transform.ts';
export { compareResourceVersions } from './resource-version.ts';
export { type Change, type Indexes, MemoryStore, type MemoryStoreOptions, type Store } from './store.ts';

/**
 * Restores a VolumeSnapshot into a claim: of any class, with a path into it, and with its owner's grant in any namespace.
 *
 * The controller's half: called by the composition root, which passes the way to the cluster in. The pod's half is `run.ts`. It must not know how
 * an API server is reached.
 */
export { snapshotRestorePlugins } from './plugin.ts';
export type { RestorePorts } from './ports.ts';
export { holdsUntil, WITH_VOLUME_MS, WITHOUT_VOLUME_MS } from './hold.ts';
export { parseState } from './state.ts';

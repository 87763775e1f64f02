/**
 * The way to the API server: one connection pool, credentials that rotate, retries, and the verbs as typed calls whose expected
 * outcomes are values. Called by `informer` and `runtime`, and by `act` of every controller through a write gate.
 * Must not know caches, controllers or volumes.
 */
export { isGone } from './answers.ts';
export { type Backoff, backoffDelay } from './backoff.ts';
export { type Connection, type ConnectOptions, connect } from './connect.ts';
export { ifServed, isKubeError, KubeError, type KubeErrorCode } from './errors.ts';
export type {
  ApplyOptions,
  CallOptions,
  DeleteOptions,
  ExecCommand,
  ExecOutcome,
  KubeClient,
  KubeReader,
  KubeWriter,
  ListOptions,
  ListPage,
  ObjectKey,
  PatchOptions,
  PodLogOptions,
  RefusalReason,
  Selection,
  Status,
  WatchEvent,
  WatchOptions,
  WriteOutcome,
} from './kube-client.ts';
export { formatKey, keyOf, parseKey } from './object-key.ts';
export { resourceName } from './paths.ts';

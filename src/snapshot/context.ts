/** What observing, acting and reporting are given. Ports only: nothing here is constructed by this room. */
import type { Claim, Volume } from '../api/objects.ts';
import type { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from '../api/snapshots.ts';
import type { Store } from '../informer/index.ts';
import type { KubeClient } from '../kube/index.ts';
import type { EventRecorder } from '../runtime/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { Memory } from './memory.ts';
import type { SnapshotMetrics } from './metrics.ts';
import type { SnapshotPluginRegistry } from './plugin-registry.ts';

/** Index of contents: the class they name. */
export const BY_SNAPSHOT_CLASS = 'snapshotClass';
/** Index of contents: the VolumeSnapshot they name. */
export const BY_SNAPSHOT = 'snapshot';
/** Index of VolumeSnapshots: the claim they are taken of. */
export const BY_SOURCE_CLAIM = 'sourceClaim';

export interface Stores {
  readonly contents: Store<VolumeSnapshotContent>;
  readonly snapshots: Store<VolumeSnapshot>;
  readonly snapshotClasses: Store<VolumeSnapshotClass>;
  readonly claims: Store<Claim>;
  readonly volumes: Store<Volume>;
}

export interface SnapshotContext {
  readonly client: KubeClient;
  readonly stores: Stores;
  readonly plugins: SnapshotPluginRegistry;
  readonly memory: Memory;
  readonly events: EventRecorder;
  readonly metrics: SnapshotMetrics;
  /** Those of whose VolumeSnapshots the contents are served; all where undefined. Contents themselves belong to no namespace. */
  readonly namespaces: readonly string[] | undefined;
}

/** A context for one reconcile of one content. */
export interface StepContext extends SnapshotContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

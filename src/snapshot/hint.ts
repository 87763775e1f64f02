/**
 * Tells the owner of a VolumeSnapshot what upstream's words do not: that no snapshot controller runs, or that the volume is one for which there
 * is another way. One event for each; nothing is written to the VolumeSnapshot.
 */
import type { VolumeSnapshot } from '../api/snapshots.ts';
import type { Volume } from '../api/objects.ts';
import { Controller, type EventRecorder } from '../runtime/index.ts';
import type { Informer } from '../informer/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import type { Stores } from './context.ts';
import { isDeleting } from './facts.ts';
import { claimOf, volumeOf } from './observe.ts';
import type { SnapshotPluginRegistry } from './plugin-registry.ts';

/** After this the snapshot controller should have said something; it does within a second. */
const PATIENCE_MS = 15_000;

export interface HintOptions {
  readonly stores: Stores;
  readonly snapshots: Informer<VolumeSnapshot>;
  readonly plugins: SnapshotPluginRegistry;
  /** How long the snapshot controller may be silent; 15 s unless told. */
  readonly patienceMs?: number | undefined;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export type Hint =
  | { readonly type: 'none' }
  | { readonly type: 'later'; readonly afterMs: number }
  | {
      readonly type: 'tell';
      readonly reason: 'UseVolumeCapture' | 'SnapshotControllerMissing';
      readonly message: string;
    };

export interface HintGround {
  readonly snapshot: VolumeSnapshot;
  /** Of the claim that it is taken of. */
  readonly volume: Volume | undefined;
  readonly patienceMs?: number | undefined;
}

/** What to say of a VolumeSnapshot of a class of ours. Pure. */
export function decideHint({ snapshot, volume, patienceMs = PATIENCE_MS }: HintGround, now: number): Hint {
  const { metadata, spec, status } = snapshot;
  if (isDeleting(snapshot) || status?.boundVolumeSnapshotContentName !== undefined) return { type: 'none' };
  const claim = spec.source.persistentVolumeClaimName;
  if (claim !== undefined && volume !== undefined && volume.spec.csi === undefined) {
    const message = `volume ${volume.metadata.name} of claim ${claim} is of no CSI driver: make a VolumeCapture with claimName ${claim} instead`;
    return { type: 'tell', reason: 'UseVolumeCapture', message };
  }
  if (status !== undefined) return { type: 'none' };
  const afterMs = Date.parse(metadata.creationTimestamp) + patienceMs - now;
  if (afterMs > 0) return { type: 'later', afterMs };
  const message =
    'no snapshot controller has looked at it: is that of kubernetes-csi/external-snapshotter installed and running?';
  return { type: 'tell', reason: 'SnapshotControllerMissing', message };
}

export function createHintController({
  stores,
  snapshots,
  plugins,
  patienceMs,
  events,
  ...more
}: HintOptions): Controller {
  /** What each VolumeSnapshot that is there was told. */
  const told = new Map<string, string>();
  const controller = new Controller({
    name: 'snapshot-hint',
    reconcile: async (uid, { now }) => {
      const snapshot = stores.snapshots.byUid(uid);
      if (snapshot === undefined) {
        told.delete(uid);
        return {};
      }
      const snapshotClass = stores.snapshotClasses.get({ name: snapshot.spec.volumeSnapshotClassName ?? '' });
      if (snapshotClass === undefined || plugins.of(snapshotClass.driver) === undefined) return {};
      const claim = claimOf(stores, snapshot);
      const hint = decideHint({ snapshot, volume: claim && volumeOf(stores, claim), patienceMs }, now());
      if (hint.type === 'later') return { requeueAfterMs: hint.afterMs };
      if (hint.type === 'none' || told.get(uid) === hint.reason) return {};
      told.set(uid, hint.reason);
      events.emit({
        regarding: snapshot,
        type: 'Warning',
        reason: hint.reason,
        action: 'Snapshot',
        note: hint.message,
      });
      return {};
    },
    ...more,
    concurrency: 2,
    groupOf: (uid) => stores.snapshots.byUid(uid)?.metadata.namespace ?? '',
  });
  controller.watches(snapshots, ({ old, new: now }) => [(now ?? old)?.metadata.uid ?? '']);
  return controller;
}

/**
 * How long a restore may hold a VolumeSnapshot against its deletion. The snapshot of another namespace is held by its owner's leave alone, and for a bounded
 * time: a namespace can always be deleted. Pure.
 */
import { GROUP } from '../../api/names.ts';
import type { ReferenceGrant } from '../../api/reference-grant.ts';
import { snapshotRestores } from '../../api/snapshot-restore.ts';
import { SNAPSHOT_GROUP, type VolumeSnapshot, volumeSnapshots } from '../../api/snapshots.ts';

/** After the deletion of the snapshot, for a restore that has no volume yet. */
export const WITHOUT_VOLUME_MS = 10 * 60_000;
/** After the deletion of the snapshot, for a restore whose volume is being filled. */
export const WITH_VOLUME_MS = 60 * 60_000;

export interface Restoring {
  /** Namespace of the claim. */
  readonly namespace: string;
  /** The claim names the VolumeSnapshot itself; else a SnapshotRestore does. */
  readonly direct: boolean;
  /** Its volume exists, and is being filled. */
  readonly hasVolume: boolean;
}

/** Until when (epoch milliseconds) this restore may hold the snapshot: Infinity where nothing ends it, 0 where it may not hold it. */
export function holdsUntil(
  { metadata }: VolumeSnapshot,
  restoring: Restoring,
  grants: readonly ReferenceGrant[],
): number {
  const { namespace = '', name, deletionTimestamp } = metadata;
  if (restoring.namespace === namespace) return Number.POSITIVE_INFINITY;
  const from = restoring.direct
    ? { group: '', kind: 'PersistentVolumeClaim' }
    : { group: GROUP, kind: snapshotRestores.kind };
  if (!isSnapshotGranted(grants, { wanted: { namespace, name }, asker: restoring.namespace, from })) return 0;
  if (deletionTimestamp === undefined) return Number.POSITIVE_INFINITY;
  return Date.parse(deletionTimestamp) + (restoring.hasVolume ? WITH_VOLUME_MS : WITHOUT_VOLUME_MS);
}

export interface Asked {
  readonly wanted: { readonly namespace: string; readonly name: string };
  /** Namespace that asks. */
  readonly asker: string;
  /** What names the snapshot. */
  readonly from: { readonly group: string; readonly kind: string };
}

/** The grants must be those of the snapshot's namespace: a grant says nothing about any other. */
export function isSnapshotGranted(grants: readonly ReferenceGrant[], { wanted, asker, from: by }: Asked): boolean {
  return grants.some(({ metadata, spec }) => {
    if (metadata.namespace !== wanted.namespace || metadata.deletionTimestamp !== undefined) return false;
    const from = spec.from.some(
      ({ group, kind, namespace }) => group === by.group && kind === by.kind && namespace === asker,
    );
    const to = spec.to.some(
      ({ group, kind, name }) =>
        group === SNAPSHOT_GROUP &&
        kind === volumeSnapshots.kind &&
        (name === undefined || name === '' || name === wanted.name),
    );
    return from && to;
  });
}

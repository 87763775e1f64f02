import { PROTECTION_FINALIZER, SNAPSHOT_FINALIZER } from '../api/names.ts';
import type { Population } from '../api/population.ts';
import type { ReferenceGrant } from '../api/reference-grant.ts';
import { SNAPSHOT_GROUP, type VolumeSnapshot } from '../api/snapshots.ts';
import { holdsUntil, parseState } from '../plugins/snapshot-restore/index.ts';
import { hasFinalizer } from '../runtime/index.ts';

/**
 * UID of the snapshot that this record tells of, as long as its restore is under way: a record is written before the snapshot is held. One that is being
 * deleted restores nothing any more: its claim goes, or its namespace. Pure.
 */
export function restoredSnapshot(population: Population): string | undefined {
  if (!hasFinalizer(population, PROTECTION_FINALIZER) || population.metadata.deletionTimestamp !== undefined)
    return undefined;
  return parseState(population.status?.prepared?.state)?.snapshot.uid;
}

export interface HoldGround {
  readonly snapshot: VolumeSnapshot;
  /** Living records that tell of this snapshot's UID. */
  readonly restores: readonly Population[];
  /** Of the namespace of the snapshot. */
  readonly grants: readonly ReferenceGrant[];
}

export type HoldDecision =
  | { readonly type: 'none' }
  | { readonly type: 'release' }
  /** `until` (epoch milliseconds): look again then; undefined: nothing but a change ends it. */
  | { readonly type: 'keep'; readonly until: number | undefined };

/** Whether the hold on this snapshot stays. One finalizer serves all restores of it, so it stays until the last of them may hold no longer. Pure. */
export function decideHold({ snapshot, restores, grants }: HoldGround, now: number): HoldDecision {
  if (!hasFinalizer(snapshot, SNAPSHOT_FINALIZER)) return { type: 'none' };
  const until = restores
    .filter((population) => restoredSnapshot(population) === snapshot.metadata.uid)
    .map((population) => holdsUntil(snapshot, restoringOf(population), grants))
    .reduce((latest, each) => Math.max(latest, each), 0);
  if (until <= now) return { type: 'release' };
  return { type: 'keep', until: Number.isFinite(until) ? until : undefined };
}

function restoringOf({ metadata, spec, status }: Population) {
  return {
    namespace: metadata.namespace ?? '',
    direct: spec.source.group === SNAPSHOT_GROUP,
    hasVolume: status?.volume !== undefined,
  };
}

import { PROTECTION_FINALIZER, SNAPSHOT_FINALIZER } from '../api/names.ts';
import type { Population } from '../api/population.ts';
import type { VolumeSnapshot } from '../api/snapshots.ts';
import { parseState } from '../plugins/snapshot-restore/index.ts';
import { hasFinalizer } from '../runtime/index.ts';

/** UID of the snapshot that this record tells of, as long as its restore is under way: a record is written before the snapshot is held. Pure. */
export function restoredSnapshot(population: Population): string | undefined {
  if (!hasFinalizer(population, PROTECTION_FINALIZER)) return undefined;
  return parseState(population.status?.prepared?.state)?.snapshot.uid;
}

/**
 * Whether the hold on this snapshot is to be taken off. One finalizer serves all restores of it, so it stays until the last of them is over. Pure.
 *
 * @param restores living records that tell of this snapshot's UID.
 */
export function isHeldForNothing(snapshot: VolumeSnapshot, restores: readonly Population[]): boolean {
  const held = hasFinalizer(snapshot, SNAPSHOT_FINALIZER);
  return held && !restores.some((population) => restoredSnapshot(population) === snapshot.metadata.uid);
}

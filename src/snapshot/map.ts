/** Which contents a change concerns: from any watched object to content UIDs. Pure look-ups in caches, never a call. */
import type { Claim, Volume } from '../api/objects.ts';
import type { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from '../api/snapshots.ts';
import type { Change } from '../informer/index.ts';
import { BY_SNAPSHOT, BY_SNAPSHOT_CLASS, BY_SOURCE_CLAIM, type Stores } from './context.ts';

export const contentIndexes = {
  [BY_SNAPSHOT_CLASS]: ({ spec }: VolumeSnapshotContent) =>
    spec.volumeSnapshotClassName === undefined ? [] : [spec.volumeSnapshotClassName],
  [BY_SNAPSHOT]: ({ spec: { volumeSnapshotRef: ref } }: VolumeSnapshotContent) => [key(ref.namespace, ref.name)],
};

export const snapshotIndexes = {
  [BY_SOURCE_CLAIM]: ({ metadata, spec }: VolumeSnapshot) => {
    const claim = spec.source.persistentVolumeClaimName;
    return claim === undefined ? [] : [key(metadata.namespace, claim)];
  },
};

export function fromContent(change: Change<VolumeSnapshotContent>): string[] {
  const content = change.new ?? change.old;
  return content === undefined ? [] : [content.metadata.uid];
}

export function fromClass({ contents }: Stores, change: Change<VolumeSnapshotClass>): string[] {
  return uidsOf(contents.byIndex(BY_SNAPSHOT_CLASS, (change.new ?? change.old)?.metadata.name ?? ''));
}

export function fromSnapshot({ contents }: Stores, change: Change<VolumeSnapshot>): string[] {
  const snapshot = change.new ?? change.old;
  if (snapshot === undefined) return [];
  return uidsOf(contents.byIndex(BY_SNAPSHOT, key(snapshot.metadata.namespace, snapshot.metadata.name)));
}

/** Those that wait for the claim: what has begun does not look at it again. */
export function fromClaim(stores: Stores, change: Change<Claim>): string[] {
  const claim = change.new ?? change.old;
  if (claim === undefined) return [];
  return stores.snapshots
    .byIndex(BY_SOURCE_CLAIM, key(claim.metadata.namespace, claim.metadata.name))
    .filter(({ status }) => status?.readyToUse !== true)
    .flatMap((snapshot) => fromSnapshot(stores, { new: snapshot, origin: 'watch' }));
}

export function fromVolume(stores: Stores, change: Change<Volume>): string[] {
  const uid = (change.new ?? change.old)?.spec.claimRef?.uid;
  const claim = uid === undefined ? undefined : stores.claims.byUid(uid);
  return claim === undefined ? [] : fromClaim(stores, { new: claim, origin: 'watch' });
}

function uidsOf(contents: readonly VolumeSnapshotContent[]): string[] {
  return contents.map(({ metadata }) => metadata.uid);
}

function key(namespace: string | undefined, name: string | undefined): string {
  return `${namespace ?? ''}/${name ?? ''}`;
}

/** Small questions that decisions ask of an observation. All pure. */
import { ANNOTATION_SKIP_CLEANUP, GROUP } from '../api/names.ts';
import type { KubeObject } from '../api/objects.ts';
import {
  ANNOTATION_BEING_CREATED,
  ANNOTATION_BEING_DELETED,
  ANNOTATION_GROUP_HANDLE,
  type VolumeSnapshot,
  type VolumeSnapshotClass,
  type VolumeSnapshotContent,
} from '../api/snapshots.ts';
import type { Observation } from './observation.ts';

/**
 * Whether the content is of this driver and ours to serve: exactly one source, no member of a group, and no class of another driver (a class
 * that is gone excludes nothing).
 */
export function isServed(
  { spec, metadata }: VolumeSnapshotContent,
  driver: string,
  snapshotClass: VolumeSnapshotClass | undefined,
): boolean {
  const { volumeHandle, snapshotHandle } = spec.source;
  return (
    spec.driver === driver &&
    (volumeHandle === undefined) !== (snapshotHandle === undefined) &&
    metadata.annotations?.[ANNOTATION_GROUP_HANDLE] === undefined &&
    (snapshotClass === undefined || snapshotClass.driver === driver)
  );
}

export function isDeleting({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** A capture was begun and its outcome is not certain, or what it needed is not yet removed. */
export function isBeingCreated({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[ANNOTATION_BEING_CREATED] !== undefined;
}

/** Its VolumeSnapshot is on its way out, whatever the policy. */
export function isBeingDeleted({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[ANNOTATION_BEING_DELETED] !== undefined;
}

/** Who deletes a content alone, while its VolumeSnapshot stays, has not decided that its data may go. */
export function isDeletionDecided(content: VolumeSnapshotContent): boolean {
  const neverBound = content.spec.source.snapshotHandle !== undefined && !isBound(content);
  return isDeleting(content) && (neverBound || isBeingDeleted(content));
}

/** The VolumeSnapshot that it is for is known by more than a name, which anybody can take. */
export function isBound({ spec }: Pick<VolumeSnapshotContent, 'spec'>): boolean {
  return (spec.volumeSnapshotRef.uid ?? '') !== '';
}

export function isReady({ status }: VolumeSnapshotContent): boolean {
  return status?.readyToUse === true;
}

/** By our own finalizer on the VolumeSnapshot: somebody reads the data. */
export function isInUse(snapshot: VolumeSnapshot | undefined): boolean {
  return snapshot?.metadata.finalizers?.some((finalizer) => finalizer.startsWith(`${GROUP}/`)) ?? false;
}

/** A person judged the data not worth waiting for: on the content, or on the VolumeSnapshot, where its owner can say so. */
export function isGivenUp({ content, snapshot }: Observation): boolean {
  return [content, snapshot].some((object) => object?.metadata.annotations?.[ANNOTATION_SKIP_CLEANUP] === 'true');
}

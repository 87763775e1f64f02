import { CAPTURE_SOURCE_FINALIZER } from '../../api/names.ts';
import { ANNOTATION_CAPTURE_PROGRESS, type VolumeSnapshotContent } from '../../api/snapshots.ts';
import type { VolumeCapture } from '../../api/volume-capture.ts';
import { hasFinalizer } from '../../runtime/index.ts';
import { isBeingCreated, isBeingDeleted, isBound, isDeleting, isReady } from '../facts.ts';
import type { Action, Word } from './action.ts';
import { contentOf, namesOf, secretObjection, snapshotOf } from './objects.ts';
import type { Observation } from './observation.ts';

/**
 * The one next step for a VolumeCapture. Pure.
 *
 * Guarantees: whose VolumeSnapshot was ready once loses nothing by the end of its VolumeCapture; one capture each, never a second. A
 * capture whose VolumeCapture goes before it is ready is cancelled.
 */
export function decide(o: Observation): Action {
  const { capture, content } = o;
  if (capture === undefined || isDeleting(capture)) return cancel(o);
  if (capture.status?.completedAt !== undefined) return { type: 'Ignore', why: 'over' };
  if (content === undefined) return begin(o, capture);
  const names = namesOf(capture);
  if (capture.status?.contentName === undefined) return { type: 'RecordContent', capture, names };
  if (isReady(content) && o.snapshot?.status?.readyToUse === true) {
    const message = `VolumeSnapshot ${names.snapshotName} is ready`;
    return { type: 'RecordEnd', capture, ready: true, word: { reason: 'Captured', message } };
  }
  if (isDeleting(content) || isBeingDeleted(content)) return awaitEnd(capture, content);
  if (o.snapshot === undefined && !isBound(content)) {
    if (!o.taken) return { type: 'CreateSnapshot', object: snapshotOf(capture) };
    const message = `VolumeSnapshot ${names.snapshotName} exists and is not of this capture`;
    return wait(capture, { reason: 'NameTaken', message }, true);
  }
  // Deleted before the snapshot controller had its finalizers on it.
  if (o.snapshot === undefined && !isReady(content)) return { type: 'DeleteContent', content };
  const message = content.status?.error?.message ?? `VolumeSnapshot ${names.snapshotName} is being captured`;
  const progress = content.metadata.annotations?.[ANNOTATION_CAPTURE_PROGRESS];
  return {
    type: 'Wait',
    capture,
    word: { reason: 'Capturing', message },
    blocked: false,
    ...(progress !== undefined && { progress }),
  };
}

/** All that the capture needs is looked at before anything is made. */
function begin(o: Observation, capture: VolumeCapture): Action {
  const { claim, volume, snapshotClass, plugin } = o;
  const { claimName, volumeSnapshotClassName } = capture.spec;
  if (capture.status?.contentName !== undefined) {
    const message = 'the VolumeSnapshot was deleted before it was ready';
    return { type: 'RecordEnd', capture, ready: false, word: { reason: 'SnapshotDeleted', message } };
  }
  if (snapshotClass === undefined) {
    const message = `VolumeSnapshotClass ${volumeSnapshotClassName} does not exist`;
    return wait(capture, { reason: 'SnapshotClassNotFound', message }, true);
  }
  if (plugin?.handleOf === undefined) {
    const message = `driver ${snapshotClass.driver} of VolumeSnapshotClass ${volumeSnapshotClassName} takes no VolumeCaptures`;
    return wait(capture, { reason: 'SnapshotClassUnsuitable', message }, true);
  }
  const objection = secretObjection(snapshotClass, capture);
  if (objection !== undefined) {
    const message = `VolumeSnapshotClass ${volumeSnapshotClassName}: ${objection}`;
    return wait(capture, { reason: 'SnapshotClassUnsuitable', message }, true);
  }
  if (claim === undefined || isDeleting(claim)) {
    const message = `claim ${claimName} does not exist, or is being deleted`;
    return wait(capture, { reason: 'SourceClaimNotFound', message }, true);
  }
  if (volume === undefined)
    return wait(capture, { reason: 'SourceClaimNotBound', message: `claim ${claimName} has no volume` }, true);
  if (!hasFinalizer(claim, CAPTURE_SOURCE_FINALIZER)) return { type: 'HoldClaim', claim };
  const handle = plugin.handleOf(capture.metadata.uid);
  return { type: 'CreateContent', object: contentOf({ capture, claim, volume, snapshotClass, handle }) };
}

/** The VolumeSnapshot is on its way out. Under Retain its content would stay, with nothing in it. */
function awaitEnd(capture: VolumeCapture, content: VolumeSnapshotContent): Action {
  if (!isDeleting(content) && !isBeingCreated(content)) return { type: 'DeleteContent', content };
  return wait(
    capture,
    { reason: 'SnapshotDeleted', message: 'the VolumeSnapshot was deleted; the capture is being cancelled' },
    false,
  );
}

/**
 * A snapshot that is ready is the user's own, whatever becomes of the object that asked for it. A content that is ready and has no
 * VolumeSnapshot, since somebody else's has its name, is nobody's.
 */
function cancel({ content, snapshot }: Observation): Action {
  const given = content !== undefined && isReady(content) && (isBound(content) || snapshot !== undefined);
  if (content === undefined || given) return { type: 'Ignore', why: 'nothing is left to cancel' };
  if (snapshot !== undefined)
    return isDeleting(snapshot) ? { type: 'AwaitRemoval' } : { type: 'DeleteSnapshot', snapshot };
  return isDeleting(content) ? { type: 'AwaitRemoval' } : { type: 'DeleteContent', content };
}

function wait(capture: VolumeCapture, word: Word, blocked: boolean): Action {
  return { type: 'Wait', capture, word, blocked };
}

import { CONTENT_FINALIZER, type VolumeSnapshotContent } from '../api/snapshots.ts';
import { hasFinalizer } from '../runtime/index.ts';
import type { Action, Facts } from './action.ts';
import { beginning } from './beginning.ts';
import { errorText, failureAction, plainText } from './failure.ts';
import { isBeingCreated, isBeingDeleted, isDeleting, isDeletionDecided, isReady } from './facts.ts';
import type { Answer, Observation } from './observation.ts';
import type { CaptureRecord } from './record.ts';
import { cleanUp, removeData } from './tear-down.ts';

/** Progress is written to the content at most so often: the snapshot controller looks at it after each write. */
const PROGRESS_MS = 30_000;
/** A refusal that only a change of the world ends is looked at again so often even if no change is seen. */
const REFUSED_LOOK_MS = 60_000;

/**
 * The one next step for a content. Pure: the same observation and time give the same action.
 *
 * The states are those of upstream's csi-snapshotter: S0 new, S1 cutting, S2 cut, S3 ready, S4 an import, S5 deletion.
 * Guarantees: no call of the plugin that begins something before the being-created annotation stands; no deletion of the data of a ready
 * snapshot unless its VolumeSnapshot is being deleted (or never was) and the policy is Delete; the annotation goes only when the outcome is
 * certain and the work is tidied up.
 */
export function decide(o: Observation, now: number): Action {
  const { content, record } = o;
  if (content === undefined || o.plugin === undefined) return ignore('not ours');
  if (record === 'unreadable') return ignore('its record is of a later version, or spoilt');
  switch (goalOf(content, record)) {
    case 'rest':
      return ignore('at rest');
    case 'remove':
      return remove(o, content, now);
    case 'cancel':
      return removeData(o, content, now) ?? cleanUp(o, now) ?? { type: 'EndCapture' };
    case 'finish':
      return cleanUp(o, now) ?? { type: 'EndCapture' };
    case 'capture':
      return record !== undefined && isBeingCreated(content)
        ? capture(o, { content, record }, now)
        : begin(o, content, now);
    case 'import':
      return lookAtImport(o, content, now);
  }
}

type Goal = 'rest' | 'remove' | 'cancel' | 'finish' | 'capture' | 'import';

function goalOf(content: VolumeSnapshotContent, record: CaptureRecord | undefined): Goal {
  const begun = isBeingCreated(content);
  // Without the finalizer it is not ours to hold any more.
  if (isDeletionDecided(content)) return hasFinalizer(content, CONTENT_FINALIZER) ? 'remove' : 'rest';
  if (isReady(content)) return begun ? 'finish' : 'rest';
  // Retain: the content stays, but nobody is left who would wait for what is not ready.
  if (isBeingDeleted(content)) return begun ? 'cancel' : 'rest';
  if (isDeleting(content) && !begun) return 'rest';
  return record !== undefined || content.spec.source.volumeHandle !== undefined ? 'capture' : 'import';
}

/** S5. */
function remove(o: Observation, content: VolumeSnapshotContent, now: number): Action {
  return removeData(o, content, now) ?? cleanUp(o, now) ?? { type: 'ReleaseContent' };
}

/** S0: all that a capture needs is looked at before anything is written. */
function begin(o: Observation, content: VolumeSnapshotContent, now: number): Action {
  const { retryAt } = o.local;
  if (retryAt > now) return wait('Backoff', 'the capture failed and is begun anew', retryAt);
  const found = beginning(o, content, now);
  switch (found.type) {
    case 'not-yet':
      return { type: 'Wait', waiting: found.waiting };
    case 'refused': {
      const { failure } = found;
      if (content.status?.error?.message === errorText(failure))
        return wait(failure.reason, plainText(failure.message), now + REFUSED_LOOK_MS);
      return { type: 'RecordFailure', failure, final: false, retryAt: undefined };
    }
    case 'ready':
      return { type: 'BeginCapture', record: found.record };
  }
}

interface Begun {
  readonly content: VolumeSnapshotContent;
  readonly record: CaptureRecord;
}

/** S1 to S3. */
function capture(o: Observation, { content, record }: Begun, now: number): Action {
  const { failure, retryAt, ended } = o.local;
  if (failure !== undefined) return failureAction(o, failure, now);
  if (ended) return cleanUp(o, now) ?? { type: 'EndCapture' };
  if (retryAt > now) return wait('Backoff', 'the last call failed', retryAt);
  const { handle } = record;
  if (handle === undefined) return { type: 'CallSnapshot', record };
  const objection = handleObjection(content, handle);
  if (objection !== undefined) return failureAction(o, objection, now);
  if (content.status?.snapshotHandle === undefined) return { type: 'RecordFacts', facts: { handle }, ready: false };
  return follow(o, content, handle, now);
}

/** A handle is written once. */
function handleObjection({ status, spec }: VolumeSnapshotContent, handle: string) {
  const known = status?.snapshotHandle ?? spec.source.snapshotHandle;
  if (known === undefined || known === handle) return undefined;
  const message = `the plugin gave the handle ${handle} to the snapshot that has the handle ${known}`;
  return { reason: 'HandleChanged', message, scope: 'permanent' } as const;
}

/** Asks how it stands, and writes down what is new. */
function follow(o: Observation, content: VolumeSnapshotContent, handle: string, now: number): Action {
  const { answer } = o.local;
  if (answer?.ready === true)
    return { type: 'RecordFacts', facts: { handle, ...newFacts(content, answer, now) }, ready: true };
  if (answer === undefined || answer.askAgainAt <= now) return { type: 'CallComplete', handle };
  const facts = newFacts(content, answer, now);
  if (Object.keys(facts).length > 0) return { type: 'RecordFacts', facts, ready: false };
  const text = progressText(answer);
  if (text !== undefined && o.local.progressAt + PROGRESS_MS <= now) return { type: 'RecordProgress', text };
  return wait('Capturing', 'the plugin is at work', answer.askAgainAt);
}

/** Each is written once and never again. A ready snapshot has a time, whatever the plugin says. */
function newFacts({ status }: VolumeSnapshotContent, answer: Answer, now: number): Facts {
  const cutAt = answer.cutAt ?? (answer.ready ? new Date(now) : undefined);
  const size = answer.restoreSize ?? 0;
  return {
    ...(cutAt !== undefined && status?.creationTime === undefined && { cutAt }),
    // Zero means unknown, and is better left out.
    ...(size > 0 && status?.restoreSize === undefined && { restoreSize: size }),
  };
}

/** S4: somebody else took it. Nothing is begun, nothing is removed. */
function lookAtImport(o: Observation, content: VolumeSnapshotContent, now: number): Action {
  const { failure, retryAt, answer } = o.local;
  const handle = content.spec.source.snapshotHandle ?? '';
  if (failure !== undefined) return failureAction(o, failure, now);
  if (retryAt > now) return wait('Backoff', 'the last look failed', retryAt);
  if (answer?.ready === true) return cleanUp(o, now) ?? follow(o, content, handle, now);
  if (content.status?.snapshotHandle === undefined && answer !== undefined)
    return { type: 'RecordFacts', facts: { handle, ...newFacts(content, answer, now) }, ready: false };
  return follow(o, content, handle, now);
}

function progressText({ progress }: Answer): string | undefined {
  if (progress?.percent !== undefined) return `${progress.percent}%`;
  return progress?.bytesDone === undefined ? undefined : `${progress.bytesDone} bytes`;
}

function ignore(why: string): Action {
  return { type: 'Ignore', why };
}

function wait(reason: string, message: string, until: number): Action {
  return { type: 'Wait', waiting: { reason, message, until } };
}

/** The status of a VolumeCapture for each thing that can be said of it. Pure. */
import type { Condition } from '../../api/objects.ts';
import type { VolumeCapture, VolumeCaptureStatus } from '../../api/volume-capture.ts';
import { conditionOf, setCondition } from '../../runtime/index.ts';
import type { Word } from './action.ts';

type State = 'ready' | 'reconciling' | 'stalled';
/** A merge patch: null removes. */
export type StatusPatch = { readonly [Member in keyof VolumeCaptureStatus]: VolumeCaptureStatus[Member] | null };

/** Undefined where it stands there already. */
export function told(capture: VolumeCapture, word: Word, more: StatusPatch, now: number): StatusPatch | undefined {
  const { status } = capture;
  const patch = withCondition(capture, 'reconciling', word, now);
  const news =
    patch.conditions !== undefined ||
    Object.entries(more).some(([key, value]) => status?.[key as keyof VolumeCaptureStatus] !== value);
  return news ? { ...patch, ...more } : undefined;
}

export function over(capture: VolumeCapture, ready: boolean, word: Word, now: number): StatusPatch {
  return {
    ...withCondition(capture, ready ? 'ready' : 'stalled', word, now),
    progress: null,
    completedAt: new Date(now).toISOString(),
  };
}

export function readyReason(capture: VolumeCapture): string | undefined {
  return conditionOf(known(capture), 'Ready')?.reason;
}

/** kstatus: Ready always there, Reconciling and Stalled only while true. */
function withCondition(capture: VolumeCapture, state: State, word: Word, now: number): StatusPatch {
  const observedGeneration = capture.metadata.generation ?? 0;
  const update = (type: string, status: Condition['status']) => ({ type, status, ...word, observedGeneration });
  const before = known(capture);
  const opposite = state === 'stalled' ? 'Reconciling' : 'Stalled';
  const kept = before?.filter(({ type }) => type !== opposite && (state !== 'ready' || type === 'Ready'));
  let list = setCondition(
    kept?.length === before?.length ? before : kept,
    update('Ready', state === 'ready' ? 'True' : 'False'),
    now,
  );
  if (state === 'reconciling') list = setCondition(list, update('Reconciling', 'True'), now);
  if (state === 'stalled') list = setCondition(list, update('Stalled', 'True'), now);
  return list === before ? {} : { observedGeneration, conditions: [...list] };
}

/** The CRD's schema is the same as the type. */
function known({ status }: VolumeCapture): readonly Condition[] | undefined {
  return status?.conditions as readonly Condition[] | undefined;
}

/** What a plugin's functions are given, made from record and observation. */
import { ANNOTATION_SECRET_NAME, ANNOTATION_SECRET_NAMESPACE, type VolumeSnapshotContent } from '../api/snapshots.ts';
import { type CaptureParams, type HandleParams, PermanentError, type SnapshotParams } from '../sdk/index.ts';
import { parametersOf } from './beginning.ts';
import type { StepContext } from './context.ts';
import type { Observation } from './observation.ts';
import { type CaptureRecord, sourceOf } from './record.ts';

export function captureParams(context: StepContext, o: Observation, record: CaptureRecord): CaptureParams<unknown> {
  return { ...snapshotParams(context, o), source: sourceOf(record) };
}

export function handleParams(context: StepContext, o: Observation, handle: string): HandleParams<unknown> {
  const record = recordOf(o);
  return { ...snapshotParams(context, o), handle, source: record && sourceOf(record) };
}

export function snapshotParams(context: StepContext, o: Observation): SnapshotParams<unknown> {
  const { content } = o;
  if (content === undefined) throw new PermanentError('Internal', 'a plugin call was decided without a content');
  const record = recordOf(o);
  const { namespace = '', name = '', uid } = content.spec.volumeSnapshotRef;
  return {
    // An import has no capture of ours, but what is made to look at it needs a name.
    key: record?.key ?? content.metadata.uid,
    content: {
      name: content.metadata.name,
      uid: content.metadata.uid,
      createdAt: content.metadata.creationTimestamp,
    },
    snapshot: { namespace, name, uid: uid === '' ? undefined : uid },
    parameters: parametersOf(o, content),
    secret: secretOf(content),
    sourceVolumeMode: content.spec.sourceVolumeMode,
    state: record?.state,
    logger: context.logger,
    signal: context.signal,
  };
}

function recordOf({ record }: Observation): CaptureRecord | undefined {
  return record === 'unreadable' ? undefined : record;
}

function secretOf({ metadata }: VolumeSnapshotContent): SnapshotParams<unknown>['secret'] {
  const name = metadata.annotations?.[ANNOTATION_SECRET_NAME];
  const namespace = metadata.annotations?.[ANNOTATION_SECRET_NAMESPACE];
  return name === undefined || namespace === undefined ? undefined : { name, namespace };
}

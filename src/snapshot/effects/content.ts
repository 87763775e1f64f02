/** Writes on the content: annotations, finalizer, and single members of its status. Each carries the version that it was decided on. */
import {
  ANNOTATION_BEING_CREATED,
  ANNOTATION_CAPTURE_PROGRESS,
  ANNOTATION_REPOSITORY_CLAIM,
  CONTENT_FINALIZER,
  PARAMETER_REPOSITORY_CLAIM,
  type VolumeSnapshotContent,
  volumeSnapshotContents,
} from '../../api/snapshots.ts';
import { keyOf } from '../../kube/index.ts';
import { type Outcome, settle, stale, withoutFinalizer } from '../../runtime/index.ts';
import type { ActionOf, Facts } from '../action.ts';
import type { StepContext } from '../context.ts';
import { errorText } from '../failure.ts';
import { nanoseconds } from '../nanoseconds.ts';
import type { Observation } from '../observation.ts';
import { type CaptureRecord, recorded } from '../record.ts';

type Annotations = Readonly<Record<string, string | null>>;

/** S0: that something is begun stands there before it is, with all that is needed to undo it. */
export function beginCapture(context: StepContext, o: Observation, record: CaptureRecord): Promise<Outcome> {
  const claim = record.parameters[PARAMETER_REPOSITORY_CLAIM];
  return annotate(context, o, {
    ...recorded(record),
    [ANNOTATION_BEING_CREATED]: 'yes',
    ...(claim !== undefined && { [ANNOTATION_REPOSITORY_CLAIM]: claim }),
  });
}

export function writeRecord(context: StepContext, o: Observation, record: CaptureRecord): Promise<Outcome> {
  return annotate(context, o, recorded(record));
}

export function recordProgress(context: StepContext, o: Observation, text: string): Promise<Outcome> {
  return annotate(context, o, { [ANNOTATION_CAPTURE_PROGRESS]: text });
}

export function endCapture(context: StepContext, o: Observation): Promise<Outcome> {
  return annotate(context, o, { [ANNOTATION_BEING_CREATED]: null, [ANNOTATION_CAPTURE_PROGRESS]: null });
}

/** S5: nothing is left that the content would have to outlive. */
export async function releaseContent(context: StepContext, { content }: Observation): Promise<Outcome> {
  const body = content && withoutFinalizer(content, CONTENT_FINALIZER);
  if (content === undefined || body === undefined) return stale('the finalizer is gone');
  const metadata = { ...body.metadata, annotations: { [ANNOTATION_BEING_CREATED]: null } };
  const outcome = await context.client.mergePatch(
    volumeSnapshotContents,
    keyOf(content),
    { metadata },
    options(context),
  );
  return settle(context.stores.contents, outcome, `content ${content.metadata.name}`);
}

/** Members that are absent here stay as they are. What works is no error any more. */
export function recordFacts(context: StepContext, o: Observation, facts: Facts, ready: boolean): Promise<Outcome> {
  return patchStatus(context, o, {
    readyToUse: ready,
    error: null,
    ...(facts.handle !== undefined && { snapshotHandle: facts.handle }),
    ...(facts.cutAt !== undefined && { creationTime: nanoseconds(facts.cutAt) }),
    ...(facts.restoreSize !== undefined && { restoreSize: facts.restoreSize }),
  });
}

/** The same words are not written again: each write makes the snapshot controller look. */
export async function recordError(
  context: StepContext,
  o: Observation,
  failure: ActionOf<'RecordFailure'>['failure'],
): Promise<Outcome> {
  const message = errorText(failure);
  if (o.content?.status?.error?.message === message) return { type: 'done' };
  const time = `${new Date(context.now()).toISOString().slice(0, 19)}Z`;
  return patchStatus(context, o, { readyToUse: false, error: { time, message } });
}

export function clearStatus(context: StepContext, o: Observation): Promise<Outcome> {
  return patchStatus(context, o, { snapshotHandle: null, readyToUse: null, creationTime: null, restoreSize: null });
}

function annotate(context: StepContext, o: Observation, annotations: Annotations): Promise<Outcome> {
  return patch(context, o.content, { annotations }, {});
}

function patchStatus(context: StepContext, o: Observation, status: object): Promise<Outcome> {
  return patch(context, o.content, {}, { status });
}

async function patch(
  context: StepContext,
  content: VolumeSnapshotContent | undefined,
  meta: object,
  { status }: { readonly status?: object },
): Promise<Outcome> {
  if (content === undefined) return stale('the content is gone');
  const { uid, resourceVersion, name } = content.metadata;
  const body = { metadata: { uid, resourceVersion, ...meta }, ...(status !== undefined && { status }) };
  const outcome = await context.client.mergePatch(volumeSnapshotContents, keyOf(content), body, {
    ...options(context),
    ...(status !== undefined && { subresource: 'status' }),
  });
  return settle(context.stores.contents, outcome, `content ${name}`);
}

function options({ signal }: StepContext) {
  return { signal };
}

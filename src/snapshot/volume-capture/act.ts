import { CAPTURE_SOURCE_FINALIZER } from '../../api/names.ts';
import type { KubeObject, NewObject } from '../../api/objects.ts';
import { claims, type Resource } from '../../api/resources.ts';
import {
  ANNOTATION_BEING_DELETED,
  ANNOTATION_VOLUME_CAPTURE_NAME,
  type VolumeSnapshotContent,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../api/snapshots.ts';
import { type VolumeCapture, volumeCaptures } from '../../api/volume-capture.ts';
import type { Store } from '../../informer/index.ts';
import { type KubeClient, keyOf } from '../../kube/index.ts';
import { done, type Outcome, settle, settleDelete, stale, withFinalizer } from '../../runtime/index.ts';
import { isBeingDeleted, isBound, isReady } from '../facts.ts';
import type { Action, ActionOf } from './action.ts';
import type { CaptureStores } from './observe.ts';
import type { Observation } from './observation.ts';
import { over, type StatusPatch, told } from './status.ts';

export interface StepContext {
  readonly client: KubeClient;
  readonly stores: CaptureStores;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Carries out exactly this action. Idempotent: done twice it is as done once, and after a crash it can be repeated. */
export async function act(context: StepContext, o: Observation, action: Action): Promise<Outcome> {
  const { stores } = context;
  switch (action.type) {
    case 'Ignore':
    case 'AwaitRemoval':
      return done;
    case 'Wait':
      return tell(context, action);
    case 'HoldClaim':
      return holdClaim(context, action);
    case 'CreateContent':
      return create(context, volumeSnapshotContents, stores.contents, action.object);
    case 'RecordContent':
      return patchStatus(context, action.capture, action.names);
    case 'CreateSnapshot':
      return create(context, volumeSnapshots, stores.snapshots, action.object);
    case 'RecordEnd':
      return patchStatus(context, action.capture, over(action.capture, action.ready, action.word, context.now()));
    case 'DeleteSnapshot':
      return (await isGone(context, o))
        ? remove(context, volumeSnapshots, stores.snapshots, action.snapshot)
        : stillThere;
    case 'DeleteContent':
      return (await mayGo(context, o, action.content)) ? removeContent(context, action.content) : stillThere;
  }
}

const stillThere = stale('the VolumeCapture is there, or its VolumeSnapshot');

/** What is ready goes only where no VolumeSnapshot names it. */
async function mayGo(context: StepContext, o: Observation, content: VolumeSnapshotContent): Promise<boolean> {
  if (isBeingDeleted(content)) return true;
  if (isReady(content)) return (await isGone(context, o)) && !(await isNamed(context, content));
  return (await isGone(context, o)) || (await isAlone(context, content));
}

/** By the VolumeSnapshot that it is for, live. */
async function isNamed({ client, signal }: StepContext, { spec, metadata }: VolumeSnapshotContent): Promise<boolean> {
  const { namespace, name = '' } = spec.volumeSnapshotRef;
  const live = await client.get(volumeSnapshots, { namespace, name }, { signal });
  return live?.spec.source.volumeSnapshotContentName === metadata.name;
}

/** A cache that is not yet filled must not cancel anything: what is to be cancelled is looked at live. */
async function isGone({ client, signal }: StepContext, { content, uid }: Observation): Promise<boolean> {
  const namespace = content?.spec.volumeSnapshotRef.namespace;
  const name = content?.metadata.annotations?.[ANNOTATION_VOLUME_CAPTURE_NAME];
  if (namespace === undefined || name === undefined) return false;
  const live = await client.get(volumeCaptures, { namespace, name }, { signal });
  return live?.metadata.uid !== uid || live.metadata.deletionTimestamp !== undefined;
}

/** The VolumeSnapshot that it was bound to is not there, live. */
async function isAlone({ client, signal }: StepContext, { spec }: VolumeSnapshotContent): Promise<boolean> {
  const { namespace, name = '', uid } = spec.volumeSnapshotRef;
  const live = await client.get(volumeSnapshots, { namespace, name }, { signal });
  return isBound({ spec }) && live?.metadata.uid !== uid;
}

/**
 * A VolumeSnapshot that goes before the snapshot controller has its finalizers on it leaves its content without the word that the data may go,
 * and bound to nobody: said here, since the content is of ours and was never ready.
 */
async function removeContent(context: StepContext, content: VolumeSnapshotContent): Promise<Outcome> {
  const { uid, resourceVersion, name } = content.metadata;
  const body = { metadata: { uid, resourceVersion, annotations: { [ANNOTATION_BEING_DELETED]: 'yes' } } };
  const { client, stores, signal } = context;
  const outcome = await client.mergePatch(volumeSnapshotContents, keyOf(content), body, { signal });
  const marked = settle(stores.contents, outcome, `content ${name}`);
  return marked.type === 'done' ? remove(context, volumeSnapshotContents, stores.contents, content) : marked;
}

async function tell(context: StepContext, { capture, word, progress }: ActionOf<'Wait'>): Promise<Outcome> {
  const patch = told(capture, word, progress === undefined ? {} : { progress }, context.now());
  return patch === undefined ? done : patchStatus(context, capture, patch);
}

async function holdClaim({ client, stores, signal }: StepContext, { claim }: ActionOf<'HoldClaim'>): Promise<Outcome> {
  const body = withFinalizer(claim, CAPTURE_SOURCE_FINALIZER);
  if (body === undefined) return done;
  const outcome = await client.mergePatch(claims, keyOf(claim), body, { signal });
  return settle(stores.claims, outcome, `claim ${claim.metadata.name}`);
}

async function patchStatus(
  { client, stores, signal }: StepContext,
  capture: VolumeCapture,
  status: StatusPatch,
): Promise<Outcome> {
  const { uid, resourceVersion, name } = capture.metadata;
  const body = { metadata: { uid, resourceVersion }, status };
  const outcome = await client.mergePatch(volumeCaptures, keyOf(capture), body, { subresource: 'status', signal });
  return settle(stores.captures, outcome, `VolumeCapture ${name}`);
}

/** One that exists was made by an earlier try of this very step, or is somebody else's: the next observation finds out. */
async function create<T extends KubeObject>(
  { client, signal }: StepContext,
  resource: Resource<T>,
  store: Store<T>,
  object: NewObject,
): Promise<Outcome> {
  const outcome = await client.create(resource, object, { signal });
  return settle(store, outcome, `${resource.kind} ${object.metadata.name}`);
}

async function remove<T extends KubeObject>(
  { client, signal }: StepContext,
  resource: Resource<T>,
  store: Store<T>,
  object: T,
): Promise<Outcome> {
  const { uid, name } = object.metadata;
  const outcome = await client.delete(resource, keyOf(object), { uid, signal });
  return settleDelete(store, object, outcome, `${resource.kind} ${name}`);
}

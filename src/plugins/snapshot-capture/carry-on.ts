/** Carries a capture on: looks how it stands, takes the next steps, and says how far it is. */
import { unwrap } from '../../api/foreign.ts';
import { ANNOTATION_CHANGED_FILES, ANNOTATION_CONSISTENCY } from '../../api/names.ts';
import type { Claim, Pod } from '../../api/objects.ts';
import { claims, pods as podsResource, storageClasses, volumes } from '../../api/resources.ts';
import { volumeSnapshotContents } from '../../api/snapshots.ts';
import type { PodFailure } from '../../pods/index.ts';
import {
  AttemptFailedError,
  type CaptureParams,
  PermanentError,
  type SnapshotAnswer,
  TemporaryError,
  VolprimeError,
} from '../../sdk/index.ts';
import { createPod, progressOf } from './capture-pod.ts';
import { type CaptureContext, ownerOf, secretOf } from './context.ts';
import { type CaptureFacts, type CaptureStep, decideCapture } from './decide-capture.ts';
import { buildClone, isHelper } from './helper-objects.ts';
import { findClone, findPod, make, remove, removeHelpers } from './helpers.ts';
import type { CaptureParameters } from './parameters.ts';
import { planCapture } from './plan.ts';
import { giveUpTurn, repositoryFacts, takeTurn } from './repository-maker.ts';
import { runPost, runPre } from './run-hooks.ts';
import { type CaptureState, readState, writeState } from './state.ts';
import { usersOf } from './users.ts';

type Params = CaptureParams<CaptureParameters>;

/** Steps of one call: each that rests on another one being recorded ends it. */
const STEPS_OF_A_CALL = 4;
const POLL_MS = 3_000;
const POD_RETRY_MS = 10_000;
const NEXT_TURN_MS = 1_000;

/** What a capture that is about to begin is to be like. What an attempt before has left is removed first. */
export async function plan(context: CaptureContext, params: Params): Promise<CaptureState> {
  const { live } = context.ports;
  const { source, parameters, signal } = params;
  const owner = ownerOf(params);
  secretOf(params);
  if (!(await removeHelpers(live, owner, ['capture', 'clone'], params)))
    throw new TemporaryError('what the attempt before needed is being removed', 1_000, { reason: 'CleaningUp' });
  const claim = await sourceClaim(context, params);
  const volume = await live.get(volumes, { name: source.volume }, { signal });
  if (volume === undefined)
    throw new PermanentError('SourceVolumeChanged', `volume ${source.volume} of claim ${source.claim} does not exist`);
  const className = claim.spec.storageClassName;
  const storageClass = className ? await live.get(storageClasses, { name: className }, { signal }) : undefined;
  const users = usersOf(source.claim, await podsNow(context, params), isHelper);
  const cloneFailedLately = context.cloneMemory.failedLately(className ?? '', context.now());
  return planCapture({ parameters, source: claim, volume, storageClass, users, cloneFailedLately });
}

export async function carryOn(context: CaptureContext, params: Params): Promise<SnapshotAnswer> {
  const known = readState(params.state);
  if (known === undefined) return remembered(await plan(context, params));
  try {
    return await takeSteps(context, params, known);
  } catch (error) {
    giveUpTurn(context, params);
    throw error;
  }
}

async function takeSteps(context: CaptureContext, params: Params, known: CaptureState): Promise<SnapshotAnswer> {
  for (let steps = 0; steps < STEPS_OF_A_CALL; steps += 1) {
    const facts = await factsOf(context, params, known);
    const step = decideCapture(facts, context.now());
    if (!takeTurn(context, params, facts, step)) return { ready: false, pollAfterMs: NEXT_TURN_MS };
    const answer = await take(context, params, facts, step);
    if (answer !== undefined) return answer;
  }
  return { ready: false, pollAfterMs: POLL_MS };
}

async function factsOf(context: CaptureContext, params: Params, state: CaptureState): Promise<CaptureFacts> {
  const { live } = context.ports;
  const owner = ownerOf(params);
  const listedAt = context.now();
  const [source, pods, clone, pod] = await Promise.all([
    sourceClaim(context, params),
    podsNow(context, params),
    findClone(live, owner, params),
    findPod(live, 'capture', owner, params),
  ]);
  const volumeName = clone?.spec.volumeName;
  const cloneVolume = volumeName ? await live.get(volumes, { name: volumeName }, params) : undefined;
  const users = usersOf(params.source.claim, pods, isHelper);
  const repository = repositoryFacts(context, params, { pod, pods, listedAt });
  return { state, parameters: params.parameters, source, users, clone, cloneVolume, pod, ...repository };
}

/** @returns undefined where the next step can be taken at once. */
async function take(
  context: CaptureContext,
  params: Params,
  facts: CaptureFacts,
  step: CaptureStep,
): Promise<SnapshotAnswer | undefined> {
  const { live } = context.ports;
  const { state } = facts;
  switch (step.type) {
    case 'RunPre':
      return hold(context, params, state);
    case 'RunPost':
      await release(context, params, state);
      return remembered({ ...state, quiesce: 'released' }, facts);
    case 'Remember':
      return remembered(step.state, facts);
    case 'CreateClone':
      return createClone(context, params, facts);
    case 'GoLive':
      return goLive(context, params, facts, step.why);
    case 'CreatePod':
      await createPod(context, params, facts, step.of);
      return undefined;
    case 'ReadProgress':
      return progressing(await progressOf(context, params, step.pod));
    case 'Wait':
      return { ready: false, pollAfterMs: step.afterMs };
    case 'Tell':
      throw new TemporaryError(unwrap(step.waiting.message), POD_RETRY_MS, { reason: step.waiting.reason });
    case 'StartOver':
      throw new AttemptFailedError(step.reason, step.message);
    case 'PodFailed':
      await remove(live, podsResource, step.pod, params);
      throw errorOf(step.failure, state);
    case 'Done':
      await tellConsistency(context, params, state.route, step.result.changed);
      return {
        ready: true,
        cutAt: step.cutAt,
        ...(params.source.capacityBytes !== undefined && { restoreSize: params.source.capacityBytes }),
      };
  }
}

/** Nobody is left held while another try waits: the next one begins with the commands before it. */
function errorOf({ reason, message, scope, afterMs }: PodFailure, state: CaptureState): Error {
  const words = unwrap(message);
  if (scope === 'permanent') return new PermanentError(reason, words);
  if (state.quiesce === 'held') return new AttemptFailedError(reason, words);
  return afterMs === undefined ? new VolprimeError(reason, words) : new TemporaryError(words, afterMs, { reason });
}

function remembered(state: CaptureState, facts?: CaptureFacts): SnapshotAnswer {
  const cutAt = state.cutAt ?? facts?.state.cutAt;
  return {
    ready: false,
    state: writeState(state),
    pollAfterMs: 100,
    ...(cutAt !== undefined && { cutAt: new Date(cutAt) }),
  };
}

function progressing(progress: SnapshotAnswer['progress']): SnapshotAnswer {
  return { ready: false, pollAfterMs: POLL_MS, ...(progress && { progress }) };
}

async function sourceClaim({ ports }: CaptureContext, { source, signal }: Params): Promise<Claim> {
  const { namespace, claim: name, claimUid } = source;
  const claim = await ports.live.get(claims, { namespace, name }, { signal });
  if (claim === undefined || claim.metadata.uid !== claimUid)
    throw new PermanentError('SourceClaimNotFound', `claim ${namespace}/${name} is gone, or another one has its name`);
  return claim;
}

function podsNow({ ports }: CaptureContext, { source, signal }: Params): Promise<readonly Pod[]> {
  return ports.podsIn(source.namespace, { signal });
}

async function hold(context: CaptureContext, params: Params, state: CaptureState): Promise<SnapshotAnswer> {
  const problem = await runPre(context.ports.live, ownerOf(params), state.hooks, params.signal);
  // The cleanup function, which is called now, runs what is to come after the capture.
  if (problem !== undefined) throw new AttemptFailedError('PreHookFailed', problem);
  return remembered({ ...state, quiesce: 'held' });
}

/** A capture is not lost with a command after it: somebody has to look at the application, and is told. */
export async function release(
  { ports }: CaptureContext,
  params: Pick<Params, 'signal' | 'snapshot' | 'key' | 'content'>,
  { hooks }: CaptureState,
): Promise<void> {
  const problems = await runPost(ports.live, ownerOf(params), hooks, params.signal);
  for (const problem of problems) ports.warn(params.snapshot, 'PostHookFailed', problem);
}

async function createClone(
  context: CaptureContext,
  params: Params,
  facts: CaptureFacts,
): Promise<SnapshotAnswer | undefined> {
  const made = await make(context.ports.live, claims, buildClone(ownerOf(params), facts.source), params);
  if (made.type === 'made') return undefined;
  const why = `the clone of claim ${facts.source.metadata.name} is refused: ${made.message}`;
  if (params.parameters.clone === 'auto') return goLive(context, params, facts, why);
  throw new TemporaryError(why, POD_RETRY_MS, { reason: made.reason });
}

async function goLive(
  context: CaptureContext,
  params: Params,
  { state, source }: CaptureFacts,
  why: string,
): Promise<SnapshotAnswer> {
  params.logger.info('the volume is read itself, not a clone', { claim: source.metadata.name, why });
  context.cloneMemory.failed(source.spec.storageClassName ?? '', context.now());
  const gone = await removeHelpers(context.ports.live, ownerOf(params), ['capture', 'clone'], params);
  const { cloneSince: _, ...rest } = state;
  return gone ? remembered({ ...rest, route: 'live' }) : { ready: false, pollAfterMs: 1_000 };
}

/** For whoever restores: whether the files are of one moment, and if not, how many were written to meanwhile. */
async function tellConsistency(
  { ports }: CaptureContext,
  { content, signal }: Params,
  route: CaptureState['route'],
  changed: number,
): Promise<void> {
  const annotations = {
    [ANNOTATION_CONSISTENCY]: route,
    ...(route === 'live' && { [ANNOTATION_CHANGED_FILES]: String(changed) }),
  };
  const body = { metadata: { uid: content.uid, annotations } };
  await ports.live.mergePatch(volumeSnapshotContents, { name: content.name }, body, { signal });
}

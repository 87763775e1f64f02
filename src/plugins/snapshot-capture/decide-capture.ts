/** The one next step of a capture that was planned. Pure: the same facts and time give the same step. */
import { unwrap } from '../../api/foreign.ts';
import type { Claim, Pod, Volume } from '../../api/objects.ts';
import {
  hasStarted,
  lastTerminated,
  type PodFailure,
  podFailure,
  podWaiting,
  type PodWaiting,
} from '../../pods/index.ts';
import type { CaptureResult } from '../../sdk/index.ts';
import { captureIn } from './capture-report.ts';
import type { CaptureParameters } from './parameters.ts';
import type { CaptureState } from './state.ts';
import { isForOnePod } from './users.ts';

export interface CaptureFacts {
  readonly state: CaptureState;
  readonly parameters: CaptureParameters;
  readonly source: Claim;
  readonly users: readonly Pod[];
  /** Made for this capture, each. */
  readonly clone: Claim | undefined;
  readonly cloneVolume: Volume | undefined;
  readonly pod: Pod | undefined;
  /** Another capture's pod, which may be making the repository at this moment. Undefined where the repository is there, or this one has its pod. */
  readonly repositoryMaker: { readonly pod: string } | undefined;
  /** For this capture's pod, to have opened the repository. */
  readonly othersWait: boolean;
}

export type CaptureStep =
  | { readonly type: 'RunPre' }
  | { readonly type: 'RunPost' }
  /** What was found out or decided stands in the record before anything rests on it. */
  | { readonly type: 'Remember'; readonly state: CaptureState }
  | { readonly type: 'CreateClone' }
  /** No clone comes: the volume itself is read, with another pod. */
  | { readonly type: 'GoLive'; readonly why: string }
  | { readonly type: 'CreatePod'; readonly of: 'clone' | 'source' }
  | { readonly type: 'ReadProgress'; readonly pod: Pod }
  | { readonly type: 'Wait'; readonly afterMs: number }
  /** Told, and looked at again. */
  | { readonly type: 'Tell'; readonly waiting: Pick<PodWaiting, 'reason' | 'message'> }
  /** The pod failed: another one is made after the wait, unless the failure is final. */
  | { readonly type: 'PodFailed'; readonly pod: Pod; readonly failure: PodFailure }
  /** What was begun is worth nothing: from the start. */
  | { readonly type: 'StartOver'; readonly reason: string; readonly message: string }
  | { readonly type: 'Done'; readonly cutAt: Date; readonly result: CaptureResult };

const SOON_MS = 1_000;
/** A pod that has not started in this time makes room for those that wait for it. */
const MAKES_ROOM_AFTER_MS = 10 * 60_000;
/** They look every ten seconds. */
const COMES_BACK_AFTER_MS = 60_000;

export function decideCapture(facts: CaptureFacts, now: number): CaptureStep {
  const { state } = facts;
  const waits = beforeRepository(facts);
  if (waits !== undefined) return waits;
  if (state.quiesce === 'planned') return { type: 'RunPre' };
  if (state.quiesce === 'held' && state.cutAt !== undefined) return { type: 'RunPost' };
  return (state.route === 'clone' ? cloning(facts, now) : undefined) ?? reading(facts, now);
}

/** Nobody is asked to hold still, and the time of no clone runs, for a pod that may not be made yet. */
function beforeRepository({ state, repositoryMaker: maker, pod, clone }: CaptureFacts): CaptureStep | undefined {
  if (maker === undefined || pod !== undefined || state.cutAt !== undefined) return undefined;
  if (clone !== undefined && isBound(clone)) return undefined;
  const { reason, message } = beingMade(maker);
  if (state.quiesce === 'held') return { type: 'StartOver', reason, message };
  const { cloneSince, ...rest } = state;
  return cloneSince === undefined ? repositoryAwaited(maker) : { type: 'Remember', state: rest };
}

/** Undefined: go on with the pod. It is made before the clone is there: a class may wait for its first consumer. */
function cloning(
  { state, parameters, source, clone, cloneVolume }: CaptureFacts,
  now: number,
): CaptureStep | undefined {
  if (state.cloneSince === undefined)
    return { type: 'Remember', state: { ...state, cloneSince: new Date(now).toISOString() } };
  if (clone === undefined) {
    if (state.cutAt === undefined) return { type: 'CreateClone' };
    return {
      type: 'StartOver',
      reason: 'CloneLost',
      message: 'the clone of the volume was deleted while it was being read',
    };
  }
  if (state.cutAt !== undefined) return undefined;
  if (isBound(clone)) {
    if (cloneVolume === undefined) return { type: 'Wait', afterMs: SOON_MS };
    // The provisioner makes this object when the driver has answered: the copy is complete then.
    return {
      type: 'Remember',
      state: { ...state, cutAt: new Date(cloneVolume.metadata.creationTimestamp).toISOString() },
    };
  }
  const late = Date.parse(state.cloneSince) + parameters.cloneTimeoutSeconds * 1_000 <= now;
  if (!late) return undefined;
  const why = `no clone of claim ${source.metadata.name} within ${parameters.cloneTimeoutSeconds} s`;
  if (parameters.clone === 'auto') return { type: 'GoLive', why };
  const message = `${why}; see the events of claim ${clone.metadata.name}. The class asks for a clone (clone: require): use "auto" where the driver cannot clone`;
  return { type: 'Tell', waiting: { reason: 'CloneNotMade', message } };
}

function reading(facts: CaptureFacts, now: number): CaptureStep {
  const { state, pod, source, users } = facts;
  if (pod === undefined) {
    const of = state.route === 'clone' ? 'clone' : 'source';
    if (of === 'source' && isForOnePod(source) && users.length > 0) return inUse(source, users);
    return facts.repositoryMaker === undefined ? { type: 'CreatePod', of } : repositoryAwaited(facts.repositoryMaker);
  }
  if (pod.metadata.deletionTimestamp !== undefined) return { type: 'Wait', afterMs: SOON_MS };
  switch (pod.status?.phase) {
    case 'Succeeded': {
      const report = captureIn(pod);
      return report === undefined
        ? { type: 'PodFailed', pod, failure: podFailure(pod) }
        : captured(state, pod, report.capture, now);
    }
    case 'Failed':
      return { type: 'PodFailed', pod, failure: podFailure(pod) };
    case 'Running':
      return { type: 'ReadProgress', pod };
    default:
      return awaited(facts, pod, now);
  }
}

/** A live read has no one moment: it counts as of its end, when all that was written before it began is in it. */
function captured(state: CaptureState, pod: Pod, result: CaptureResult, now: number): CaptureStep {
  const ended = Date.parse(lastTerminated(pod)?.finishedAt ?? '');
  const cutAt = state.cutAt === undefined ? new Date(Number.isFinite(ended) ? ended : now) : new Date(state.cutAt);
  // The volume may be written to again before the snapshot is called ready.
  if (state.quiesce === 'held') return { type: 'Remember', state: { ...state, cutAt: cutAt.toISOString() } };
  return { type: 'Done', cutAt, result };
}

function awaited({ state, othersWait }: CaptureFacts, pod: Pod, now: number): CaptureStep {
  const waiting = podWaiting(pod, now);
  // The scheduler waits for the clone, which has a time limit of its own.
  const forClone = state.route === 'clone' && state.cutAt === undefined;
  if (waiting.mood === 'routine' || forClone) return { type: 'Wait', afterMs: 2 * SOON_MS };
  const late = Date.parse(pod.metadata.creationTimestamp) + MAKES_ROOM_AFTER_MS <= now;
  return othersWait && late && !hasStarted(pod) ? makeRoom(pod, waiting) : { type: 'Tell', waiting };
}

/** It might start while another one makes the repository: they go on when it is gone. */
function makeRoom(pod: Pod, { reason, message: why }: PodWaiting): CaptureStep {
  const message = `${unwrap(why)}. Other captures wait for this one to have opened the repository: they go first, and another pod is made afterwards`;
  return { type: 'PodFailed', pod, failure: { reason, message, scope: 'attempt', afterMs: COMES_BACK_AFTER_MS } };
}

function repositoryAwaited(maker: { readonly pod: string }): CaptureStep {
  return { type: 'Tell', waiting: beingMade(maker) };
}

function beingMade({ pod }: { readonly pod: string }) {
  const message = `pod ${pod} of another capture may be making the repository, which only one pod may do at a time: this capture goes on when that one has opened the repository, or has ended`;
  return { reason: 'RepositoryBeingMade', message };
}

function inUse(source: Claim, users: readonly Pod[]): CaptureStep {
  const names = users.map(({ metadata }) => metadata.name).join(', ');
  const message = `claim ${source.metadata.name} is ReadWriteOncePod and in use by pod ${names}: it is captured when that pod is gone, or at once from a clone where its driver can clone`;
  return { type: 'Tell', waiting: { reason: 'ClaimInUse', message } };
}

function isBound(claim: Claim): boolean {
  return claim.status?.phase === 'Bound' && claim.spec.volumeName !== undefined;
}

/** The Population's status for each thing that can be said of it: phase, conditions and details in one patch. Pure. */
import type { Condition, Volume } from '../api/objects.ts';
import type { Phase, Population, PopulationResult } from '../api/population.ts';
import { setCondition } from '../runtime/index.ts';
import { cutVisible } from '../visible.ts';
import type { ActionOf, Waiting } from './action.ts';
import type { StatusPatch } from './effects/record.ts';
import { withRefusal } from './placement.ts';
import { attemptOf, excusedOf, failuresOf, isDeletedUnbound } from './facts.ts';
import { forOwner, resultForOwner, type Told } from './for-owner.ts';
import type { Observation } from './observation.ts';
import type { Found } from '../api/populator-program.ts';
import { isUntouched, recordedVolume } from './volume-content.ts';

/** Characters of a message. It stands in the record up to three times, and part of it may come from a server or a plugin. */
const MESSAGE_LIMIT = 2_048;

interface Word {
  readonly reason: string;
  readonly message: string;
}

/** kstatus: Ready always there, Reconciling and Stalled only while true. */
function conditions(
  population: Population | undefined,
  state: 'ready' | 'waiting' | 'reconciling' | 'stalled',
  word: Word,
  now: number,
): Condition[] {
  const observedGeneration = population?.metadata.generation;
  const update = (type: string, status: Condition['status']) => ({
    type,
    status,
    ...word,
    ...(observedGeneration !== undefined && { observedGeneration }),
  });
  let list = population?.status?.conditions?.filter((condition) => condition.type === 'Ready') as
    | readonly Condition[]
    | undefined;
  list = setCondition(list, update('Ready', state === 'ready' ? 'True' : 'False'), now);
  if (state === 'reconciling') list = setCondition(list, update('Reconciling', 'True'), now);
  if (state === 'stalled') list = setCondition(list, update('Stalled', 'True'), now);
  return [...list];
}

export function refusalRecorded(o: Observation, action: ActionOf<'RecordRefusal'>, now: number): StatusPatch {
  return { placement: withRefusal(o, action.node, action.prime, now) };
}

export function attemptStarted(o: Observation, action: ActionOf<'StartAttempt'>, now: number): StatusPatch {
  const { population, prime } = o;
  const word = {
    reason: 'Populating',
    message: `attempt ${action.attempt} is populating volume ${action.volume.metadata.name}`,
  };
  return {
    phase: 'Populating',
    attempt: action.attempt,
    failures: failuresOf(population),
    excused: excusedOf(population),
    prime:
      prime === undefined
        ? null
        : { name: prime.metadata.name, namespace: prime.metadata.namespace ?? '', uid: prime.metadata.uid },
    volume: { ...nameAndUid(action.volume), ...foundBefore(population, action.volume) },
    discard: null,
    pod: null,
    state: null,
    progress: null,
    result: null,
    nextAttemptAt: null,
    startedAt: population?.status?.startedAt ?? timestamp(now),
    completedAt: null,
    conditions: conditions(population, 'reconciling', word, now),
  };
}

/** What an earlier attempt found in the same volume. */
function foundBefore(population: Population | undefined, { metadata }: Volume): { found?: Found } {
  const { uid, found } = population?.status?.volume ?? {};
  return uid === metadata.uid && found !== undefined ? { found } : {};
}

export function resultRecorded(o: Observation, reported: PopulationResult, now: number): StatusPatch {
  const result = resultForOwner(o, reported);
  const word = { reason: 'Rebinding', message: 'the data is complete and verified; handing the volume to the claim' };
  return {
    phase: 'Rebinding',
    result,
    volume: recordedVolume(o) ?? null,
    progress: {
      percent: 100,
      ...(result.bytes !== undefined && { bytesDone: result.bytes, bytesTotal: result.bytes }),
      ...(result.files !== undefined && { files: result.files }),
      updatedAt: timestamp(now),
    },
    lastError: null,
    nextAttemptAt: null,
    conditions: conditions(o.population, 'reconciling', word, now),
  };
}

export function succeeded(o: Observation, now: number): StatusPatch {
  const result = o.population?.status?.result;
  const volume = `volume ${o.population?.status?.volume?.name}`;
  const plain = o.population?.spec.source.kind === '';
  const message = plain
    ? `${volume} is bound; the claim has no data source`
    : `${volume} is populated and bound (verification: ${result?.verification ?? 'none'})`;
  return {
    phase: 'Succeeded',
    completedAt: timestamp(now),
    conditions: conditions(o.population, 'ready', { reason: 'Populated', message }, now),
  };
}

export function failed(o: Observation, action: ActionOf<'RecordFailure'>, now: number): StatusPatch {
  const { failure, final, nextAttemptAt } = action;
  const { population } = o;
  const { reason, message } = forOwner(o, failure);
  const word = { reason, message: cutVisible(message, MESSAGE_LIMIT) };
  const attemptOver = final || failure.scope !== 'call';
  const primeOver = final || failure.discardPrime === true;
  // A volume that was lost after the hand-over is Kubernetes' to remove; one that no container was started for is as it was before the attempt.
  const forgotten = isDeletedUnbound(o) || (attemptOver && !primeOver && isUntouched(o));
  return {
    phase: final ? 'Failed' : phaseOf(o),
    failures: failuresOf(population) + 1,
    excused: excusedOf(population) + (failure.excused === true ? 1 : 0),
    lastError: { ...word, permanent: failure.scope === 'permanent', at: timestamp(now) },
    nextAttemptAt: nextAttemptAt === undefined ? null : timestamp(nextAttemptAt),
    volume: forgotten ? null : (recordedVolume(o) ?? null),
    ...(attemptOver && { failedAttempt: attemptOf(o), result: null, progress: null }),
    ...(primeOver && { prime: null, discard: o.prime?.metadata.uid ?? population?.status?.prime?.uid ?? null }),
    conditions: conditions(population, final ? 'stalled' : 'reconciling', word, now),
  };
}

/** Undefined where the status says so already: waiting is told on change only. */
export function waitingTold(o: Observation, waiting: Told<Waiting>, now: number): StatusPatch | undefined {
  const { population } = o;
  const ready = population?.status?.conditions?.find((condition) => condition.type === 'Ready');
  const sameWord = ready?.reason === waiting.reason && ready.observedGeneration === population?.metadata.generation;
  // What a routine wait adds to its reason (the name of a pod) is not worth a write.
  const message = cutVisible(waiting.message, MESSAGE_LIMIT);
  const known = sameWord && (waiting.mood === 'routine' || ready.message === message);
  if (known) return undefined;
  const state = waiting.mood === 'healthy' ? 'waiting' : 'reconciling';
  const word = { reason: waiting.reason, message };
  return { phase: phaseOf(o), conditions: conditions(population, state, word, now) };
}

/** How far the claim is, told from what exists. */
export function phaseOf(o: Observation): Phase {
  const { population, claim, prime, volume } = o;
  if (claim === undefined || claim.metadata.deletionTimestamp !== undefined || claim.spec.volumeName !== undefined)
    return 'CleaningUp';
  if (population?.status?.result !== undefined) return 'Rebinding';
  if (prime === undefined) return 'Waiting';
  return volume === undefined ? 'Provisioning' : 'Populating';
}

export function nameAndUid(object: Volume): { name: string; uid: string } {
  return { name: object.metadata.name, uid: object.metadata.uid };
}

/** Milliseconds are kept: a record may be compared within one second. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

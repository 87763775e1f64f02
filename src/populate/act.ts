import { done, type Outcome, stale } from '../runtime/index.ts';
import type { Action, ActionOf } from './action.ts';
import type { StepContext } from './context.ts';
import { handBackNode, protectClaim, releaseClaim } from './effects/claim.ts';
import { lookForNode } from './effects/node.ts';
import { callCleanup, callComplete, callPopulate, prepare, renew, skipCleanup } from './effects/plugin.ts';
import { createPod, deletePod, readProgress, recordProgress, releasePod, reviewPod } from './effects/pod.ts';
import { createPrime, deletePrime, forgetPrimeNode, releasePrime, setPrimeNode } from './effects/prime.ts';
import { createWaitingRecord, patchStatus, recordPopulation, releasePopulation } from './effects/record.ts';
import { deleteVolume, keepVolume, mayYetBeBound, rebind, suspendRetain } from './effects/volume.ts';
import { isDeletedUnbound } from './facts.ts';
import type { Observation } from './observation.ts';
import { attemptStarted, failed, refusalRecorded, resultRecorded, succeeded } from './status.ts';
import { recordedVolume } from './volume-content.ts';

/** Carries out exactly this action. Idempotent: done twice it is as done once, and after a crash it can be repeated. */
export async function act(context: StepContext, o: Observation, action: Action): Promise<Outcome> {
  switch (action.type) {
    case 'Ignore':
    case 'Wait':
      return done;
    case 'ProtectClaim':
      return protectClaim(context, o);
    case 'RecordPopulation':
      return recordPopulation(context, o, action);
    case 'CreateRecord':
      return o.claim === undefined ? stale('the claim is gone') : createWaitingRecord(context, o.claim);
    case 'Prepare':
      return prepare(context, o);
    case 'CreatePrime':
      return createPrime(context, o, action.node);
    case 'Renew':
      return renew(context, o);
    case 'SetPrimeNode':
      return setPrimeNode(context, o, action.node);
    case 'LookForNode':
      return lookForNode(context, o, action.node);
    case 'RecordRefusal':
      return patchStatus(context, o.population, refusalRecorded(o, action, context.now()));
    case 'HandBackNode':
      return inOrder(
        () => handBackNode(context, o),
        () => forgetPrimeNode(context, o),
      );
    case 'RecordFinding':
      return patchStatus(context, o.population, { volume: recordedVolume(o) ?? null });
    case 'KeepVolume':
      return keepVolume(context, o, action.volume);
    case 'SuspendRetain':
      return suspendRetain(context, o, action.volume);
    case 'StartAttempt':
      return startAttempt(context, o, action);
    case 'CreatePod':
      return createPod(context, o, action.attempt);
    case 'ReviewPod':
      return reviewPod(context, o, action);
    case 'CallPopulate':
      return callPopulate(context, o, action.attempt);
    case 'CallComplete':
      return callComplete(context, o, action.attempt);
    case 'ReadProgress':
      return readProgress(context, o, action.pod);
    case 'RecordProgress':
      return recordProgress(context, o, action.progress);
    case 'RecordResult':
      return patchStatus(context, o.population, resultRecorded(o, action.result, context.now()));
    case 'RecordFailure':
      return recordFailure(context, o, action);
    case 'Rebind':
      return rebind(context, o);
    case 'RecordSuccess':
      return patchStatus(context, o.population, succeeded(o, context.now()));
    case 'DeletePod':
      return deletePod(context, o, action.pod);
    case 'ReleasePod':
      return releasePod(context, action.pod);
    case 'CallCleanup':
      return callCleanup(context, o);
    case 'SkipCleanup':
      return skipCleanup(context, o);
    case 'DeleteVolume':
      return deleteVolume(context, o, action.volume);
    case 'DeletePrime':
      return deletePrime(context, o);
    case 'ReleasePrime':
      return releasePrime(context, o);
    case 'ReleaseClaim':
      return releaseClaim(context, o);
    case 'ReleasePopulation':
      return releasePopulation(context, o);
  }
}

async function inOrder(first: () => Promise<Outcome>, second: () => Promise<Outcome>): Promise<Outcome> {
  const outcome = await first();
  return outcome.type === 'done' ? second() : outcome;
}

async function startAttempt(context: StepContext, o: Observation, action: ActionOf<'StartAttempt'>): Promise<Outcome> {
  const outcome = await patchStatus(context, o.population, attemptStarted(o, action, context.now()));
  if (outcome.type === 'done') context.memory.update(o.uid, { attemptBegun: action.attempt });
  return outcome;
}

/** The failure leaves memory only when it stands in the record. */
async function recordFailure(
  context: StepContext,
  o: Observation,
  action: ActionOf<'RecordFailure'>,
): Promise<Outcome> {
  const objection = isDeletedUnbound(o) ? await mayYetBeBound(context, o) : undefined;
  if (objection !== undefined) return objection;
  const outcome = await patchStatus(context, o.population, failed(o, action, context.now()));
  if (outcome.type === 'done')
    context.memory.update(o.uid, {
      failure: undefined,
      prepared: false,
      preparing: undefined,
      ...(action.failure.scope !== 'call' && { answer: undefined, startedAttempt: 0 }),
    });
  return outcome;
}

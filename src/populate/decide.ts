import type { Action, Waiting } from './action.ts';
import type { Claim } from '../api/objects.ts';
import { decideAttempt } from './decide-attempt.ts';
import { decidePrime } from './decide-prime.ts';
import { decideRebind } from './decide-rebind.ts';
import { failureAction } from './failure.ts';
import {
  hasFailed,
  holdsRecord,
  isCurrent,
  isDeleting,
  isFullyBound,
  isProtected,
  needsAttempt,
  recordedTarget,
  isTooNew,
} from './facts.ts';
import type { TargetClass } from '../api/population.ts';
import { access, gate, source } from './gates.ts';
import { finishable, startOver } from './lost-source.ts';
import type { Observation } from './observation.ts';
import { settlePolicy, tearDown } from './tear-down.ts';
import { ignoredBy, isProvisionedFor } from './refusal.ts';
import { unfitVolume } from './unfit-volume.ts';
import { targetOf } from './wrapper.ts';

/**
 * The one next step for a claim. Pure: the same observation and time give the same action.
 *
 * Guarantees: never `Rebind` without a recorded result of a verified attempt; never a delete of a volume that the user's claim owns;
 * deletion of the claim is handled before anything else, so that no missing object can block it.
 * Assumes: every object in the observation belongs to this claim's UID (see Observation).
 */
export function decide(o: Observation, now: number): Action {
  switch (goalOf(o)) {
    case 'nothing':
      return { type: 'Ignore', why: 'not ours, or at rest' };
    case 'cancel':
      return tearDown(o, now) ?? { type: 'Ignore', why: 'the claim is gone and so is all that we made for it' };
    case 'stop':
      return tearDown(o, now) ?? { type: 'Ignore', why: 'failed for good until the source changes' };
    case 'finish':
      return finish(o, now);
    case 'bound-elsewhere':
      return boundElsewhere(o, now);
    case 'populate':
      return populate(o, now);
  }
}

type Goal = 'nothing' | 'cancel' | 'stop' | 'finish' | 'bound-elsewhere' | 'populate';

function goalOf(o: Observation): Goal {
  const { claim, population } = o;
  // Another controller may serve this kind with the same names: without its plugin, nothing here is ours to touch.
  if (o.plugin === undefined) return 'nothing';
  // Rolled back: the sweeper tells of it.
  if (isTooNew(population)) return 'nothing';
  if (claim === undefined || isDeleting(claim)) return hasTraces(o) ? 'cancel' : 'nothing';
  if (hasFailed(population)) return mayTryAgain(o) ? 'populate' : 'stop';
  if (claim.spec.volumeName !== undefined) {
    if (population === undefined && isProtected(claim)) return 'cancel';
    // Also where it was bound before we had begun: nobody may take an empty volume for a populated one.
    if (population === undefined) return isIgnored(claim, o) ? 'bound-elsewhere' : 'nothing';
    // Without a result nobody has vouched for what is in it, whatever brought the two together.
    const ours = claim.spec.volumeName === population.status?.volume?.name && population.status?.result !== undefined;
    return ours ? 'finish' : 'bound-elsewhere';
  }
  return 'populate';
}

/** A provisioner that does not know data sources gave the claim a volume of its own. */
function isIgnored(claim: Claim, { plugin }: Observation): boolean {
  return plugin?.byProvisioner === false && isProvisionedFor(claim);
}

/** Anything of ours that a deletion would leave behind. */
function hasTraces(o: Observation): boolean {
  const protectedClaim = o.claim !== undefined && isProtected(o.claim);
  return protectedClaim || holdsRecord(o) || o.prime !== undefined || o.pods.length > 0;
}

/** A population that failed for good starts again when the source's spec is another one than the one that failed. */
function mayTryAgain(o: Observation): boolean {
  const pinned = o.population?.spec.pinned;
  if (o.source === undefined || o.claim?.spec.volumeName !== undefined) return false;
  return pinned === undefined || pinned.uid !== o.source.uid || pinned.generation !== o.source.generation;
}

function populate(o: Observation, now: number): Action {
  const { claim, population } = o;
  if (claim === undefined) return { type: 'Ignore', why: 'no claim' };
  const failed = hasFailed(population);
  if (failed && (o.prime !== undefined || o.pods.length > 0))
    return tearDown(o, now) ?? wait('CleaningUp', 'waiting for the remains of the failed attempt');
  const pinned = failed ? undefined : (o.pinned ?? finishable(o));
  if (pinned === undefined && !failed && population?.spec.pinned !== undefined) {
    const starting = startOver(o, now);
    if (starting !== undefined) return starting;
  }
  const waiting = gate(o, pinned !== undefined, now);
  if (waiting !== undefined) return { type: 'Wait', waiting };
  if (!isProtected(claim)) return { type: 'ProtectClaim' };
  if (pinned === undefined || !holdsRecord(o)) {
    const toPin = pinned ?? o.source;
    const missing = pinned === undefined ? source(o) : undefined;
    if (missing !== undefined || toPin === undefined)
      return missing === undefined
        ? wait('PopulatorDataSourceNotFound', 'the source does not exist')
        : { type: 'Wait', waiting: missing };
    return { type: 'RecordPopulation', pinned: toPin, target: recordedTarget(population) ?? freshTarget(o) };
  }
  const settling = settlePolicy(o);
  if (settling !== undefined) return settling;
  // A recorded result outlives whatever a late call says.
  if (population?.status?.result !== undefined) return decideRebind(o, claim, now);
  if (o.local.failure !== undefined) return failureAction(o, o.local.failure, now);
  const next = population !== undefined && isCurrent(population) ? population.status?.nextAttemptAt : undefined;
  if (next !== undefined && Date.parse(next) > now) return backoff(o, Date.parse(next));
  return (
    decidePrime(o, claim, now) ?? begin(o, next !== undefined) ?? unfitVolume(o, now) ?? decideAttempt(o, claim, now)
  );
}

/** A grant that is revoked ends nothing that runs (KEP-3294), but nothing begins without one, and nothing is tried again. */
function begin(o: Observation, again: boolean): Action | undefined {
  const waiting = again || needsAttempt(o) ? access(o) : undefined;
  return waiting === undefined ? undefined : { type: 'Wait', waiting };
}

function freshTarget({ wrapper, storageClass }: Observation): TargetClass | undefined {
  return wrapper === undefined || storageClass === undefined ? undefined : targetOf(wrapper, storageClass);
}

function backoff(o: Observation, until: number): Action {
  const last = o.population?.status?.lastError;
  return {
    type: 'Wait',
    waiting: {
      reason: last?.reason ?? 'Backoff',
      message: last?.message ?? 'waiting before the next attempt',
      mood: 'progressing',
      until,
    },
  };
}

/** Step 6 on: the claim names our volume. It is done when the binding is complete; then everything of ours goes. */
function finish(o: Observation, now: number): Action {
  if (o.claim === undefined || !isFullyBound(o.claim)) {
    return wait('Binding', 'the volume is handed over; waiting for the claim to be bound');
  }
  const left = tearDown(o, now);
  const done = o.population?.status?.phase === 'Succeeded';
  // The record keeps its finalizer until success is written: it is the memory of a cleanup that was cut short.
  if (!done && (left === undefined || left.type === 'ReleasePopulation')) return { type: 'RecordSuccess' };
  return left ?? { type: 'Ignore', why: 'populated' };
}

/** Somebody else gave the claim a volume while we worked. Ours goes; theirs is not touched, and this never counts as populated. */
function boundElsewhere(o: Observation, now: number): Action {
  if (o.claim === undefined) return { type: 'Ignore', why: 'no claim' };
  if (o.population === undefined) return { type: 'CreateRecord' };
  if (isIgnored(o.claim, o)) return failureAction(o, { ...ignoredBy(o.claim), scope: 'permanent' }, now);
  const message = `the claim was bound to volume ${o.claim.spec.volumeName}, which does not hold the complete data; delete and recreate the claim to have it populated`;
  return failureAction(o, { reason: 'BoundElsewhere', message, scope: 'permanent' }, now);
}

function wait(reason: string, message: string, mood: Waiting['mood'] = 'routine'): Action {
  return { type: 'Wait', waiting: { reason, message, mood } };
}

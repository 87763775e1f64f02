/** Step 3: a prime claim that is bound to a fresh volume. Answers undefined when it stands ready. */
import type { Action } from './action.ts';
import type { Claim } from '../api/objects.ts';
import { failureAction } from './failure.ts';
import { isBoundTo, isDeleting, needsAttempt, selectedNode } from './facts.ts';
import type { Observation } from './observation.ts';
import { decidePlacement, provisioning } from './placement.ts';
import { ignoredSource, refusalOf } from './refusal.ts';
import { discardPrime } from './tear-down.ts';

export function decidePrime(o: Observation, claim: Claim, now: number): Action | undefined {
  const discarding = o.prime !== undefined && o.prime.metadata.uid === o.population?.status?.discard;
  if (discarding) return discardPrime(o, now);
  if (primeIsLost(o)) {
    if (!needsAttempt(o)) {
      return failureAction(
        o,
        {
          reason: 'PrimeLost',
          message: 'the temporary claim or its volume was deleted while it was populated; starting over',
          scope: 'attempt',
          discardPrime: true,
        },
        now,
      );
    }
    return o.prime === undefined ? createPrime(o, claim, now) : discardPrime(o, now);
  }
  if (o.prime === undefined) return createPrime(o, claim, now);
  if (o.prime.spec.volumeName === undefined)
    return renewal(o, decidePlacement(o, claim, o.prime, now) ?? provisioning(o.prime), now);
  if (o.volume === undefined || !isBoundTo(o.volume, o.prime) || o.prime.status?.phase !== 'Bound')
    return provisioning(o.prime);
  return refusal(o, claim, now);
}

/** A class may never provision: what the plugin took from others for this claim is not kept for ever. */
const RENEW_MS = 30_000;

function renewal(o: Observation, next: Action, now: number): Action {
  if (o.plugin?.hasRenew !== true || next.type !== 'Wait') return next;
  const at = (o.local.renewedAt ?? 0) + RENEW_MS;
  if (at <= now) return { type: 'Renew' };
  return { type: 'Wait', waiting: { ...next.waiting, until: Math.min(at, next.waiting.until ?? at) } };
}

/** The prime of the running attempt is gone, going, or another object, or its volume is on the way out. */
function primeIsLost(o: Observation): boolean {
  if (o.prime !== undefined && isDeleting(o.prime)) return true;
  if (o.volume !== undefined && isDeleting(o.volume)) return true;
  // Between attempts the record still tells of the attempt before; the next one takes whatever prime stands.
  if (needsAttempt(o)) return false;
  const recorded = o.population?.status?.prime?.uid;
  return o.prime?.metadata.uid !== recorded;
}

function createPrime(o: Observation, claim: Claim, now: number): Action {
  if (o.plugin?.hasPrepare === true && !o.local.prepared) return prepare(o, now);
  return { type: 'CreatePrime', node: selectedNode(claim) };
}

function prepare({ local: { preparing } }: Observation, now: number): Action {
  if (preparing === undefined || preparing.askAgainAt <= now) return { type: 'Prepare' };
  const { reason, message, mood, askAgainAt } = preparing;
  return { type: 'Wait', waiting: { reason, message, mood, until: askAgainAt } };
}

/** A volume that the PV controller would refuse for the claim must not be filled first, nor one handed over that lacks its data. */
function refusal(o: Observation, claim: Claim, now: number): Action | undefined {
  if (o.volume === undefined) return undefined;
  const found =
    refusalOf(o.volume, claim) ?? (o.plugin?.byProvisioner === true ? ignoredSource(o.volume, claim) : undefined);
  return found === undefined ? undefined : failureAction(o, { ...found, scope: 'permanent' }, now);
}

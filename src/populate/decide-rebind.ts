/** Step 5 and the wait of step 6: the result is recorded; hand the volume over. */
import type { Action } from './action.ts';
import { ANNOTATION_POPULATED_AT } from '../api/names.ts';
import type { Claim, Volume } from '../api/objects.ts';
import { clearPods } from './decide-attempt.ts';
import { failureAction } from './failure.ts';
import { isBoundTo, isDeletedUnbound, isDeleting, isSwapped } from './facts.ts';
import type { Observation } from './observation.ts';

/** After this the PV controller is taken to have refused the volume. It normally binds within a second. */
const REFUSED_AFTER_MS = 60_000;

/**
 * After this nobody binds a claim to a volume that is being deleted: a controller manager that has not heard of the deletion has lost its lease
 * by then (15 s), and the next one reads the volumes anew.
 */
const UNBINDABLE_AFTER_MS = 20_000;

export function decideRebind(o: Observation, claim: Claim, now: number): Action {
  if (o.volume !== undefined && isDeletedUnbound(o)) return deletedUnbound(o, o.volume, now);
  if (isSwapped(o)) return binding(o, now);
  const clearing = clearPods(o.pods, now);
  if (clearing !== undefined) return clearing;
  const { prime, volume, population } = o;
  const intact =
    prime !== undefined &&
    volume !== undefined &&
    !isDeleting(prime) &&
    !isDeleting(volume) &&
    prime.metadata.uid === population?.status?.prime?.uid &&
    isBoundTo(volume, prime);
  if (intact) return { type: 'Rebind' };
  const message = `the populated volume was lost before claim ${claim.metadata.name} could have it; starting over`;
  return failureAction(o, { reason: 'VolumeLost', message, scope: 'attempt', discardPrime: true }, now);
}

/**
 * The claim gets another volume. This one is left as it is: it names the claim, and only Kubernetes knows that the claim is bound elsewhere
 * before it reclaims a volume, which is then.
 */
function deletedUnbound(o: Observation, { metadata }: Volume, now: number): Action {
  const until = Date.parse(metadata.deletionTimestamp ?? '') + UNBINDABLE_AFTER_MS;
  const deleted = `volume ${metadata.name} was handed to the claim and deleted before the claim was bound to it`;
  if (until > now) {
    const message = `${deleted}; waiting whether Kubernetes binds it all the same`;
    return { type: 'Wait', waiting: { reason: 'Binding', message, mood: 'routine', until } };
  }
  const message = `${deleted}; starting over with another volume`;
  return failureAction(o, { reason: 'VolumeLost', message, scope: 'attempt', discardPrime: true }, now);
}

function binding(o: Observation, now: number): Action {
  const since = Date.parse(o.volume?.metadata.annotations?.[ANNOTATION_POPULATED_AT] ?? '');
  const refused = Number.isFinite(since) && now - since > REFUSED_AFTER_MS;
  if (refused) {
    const message = `volume ${o.volume?.metadata.name} was handed to the claim, but Kubernetes does not bind it; see the events of claim and volume`;
    return { type: 'Wait', waiting: { reason: 'VolumeRefused', message, mood: 'blocked' } };
  }
  const until = Number.isFinite(since) ? since + REFUSED_AFTER_MS + 1 : undefined;
  const message = 'the volume is handed over; waiting for the claim to be bound';
  return {
    type: 'Wait',
    waiting: { reason: 'Binding', message, mood: 'routine', ...(until !== undefined && { until }) },
  };
}

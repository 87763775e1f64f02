/** Steps 7 and 8: everything of ours goes, each thing confirmed gone before the next. Pure. */
import type { Action } from './action.ts';
import { ANNOTATION_RECLAIM_POLICY, ANNOTATION_SKIP_CLEANUP, PROTECTION_FINALIZER } from '../api/names.ts';
import type { Claim, Volume } from '../api/objects.ts';
import { clearPods } from './decide-attempt.ts';
import { hasFinalizer } from '../runtime/index.ts';
import { holdsRecord, isBoundTo, isDeleting, isProtected, isSwapped } from './facts.ts';
import type { Observation } from './observation.ts';
import { isOursAlone, mustSurvive, unrecordedFinding } from './volume-content.ts';

/** Calls to a failing cleanup function before the claim is let go without it. */
export const CLEANUP_ATTEMPTS = 10;

/**
 * The next step of the clean-up, or undefined when nothing of ours is left.
 * Serves success, failure and cancellation alike: what differs is only whether the volume was handed over.
 */
export function tearDown(o: Observation, now: number): Action | undefined {
  return (
    settlePolicy(o) ?? clearPods(o.pods, now) ?? cleanup(o, now) ?? strayVolume(o) ?? removePrime(o, now) ?? release(o)
  );
}

/** As above for a prime alone: the claim stays ours and gets a new prime. */
export function discardPrime(o: Observation, now: number): Action {
  return (
    settlePolicy(o) ??
    clearPods(o.pods, now) ??
    removePrime(o, now) ??
    waiting('waiting for the discarded prime to be gone')
  );
}

/**
 * What must be true of the volume's policy before anything else happens. What a pod found in it is recorded first. A volume that was empty goes
 * with its prime, also under Retain: it is under Delete from then on until the hand-over, which gives the class's policy back in the same
 * write. A volume with foreign content, or whose storage another volume shares, is under Retain from then on. All others keep the policy of
 * their class.
 */
export function settlePolicy(o: Observation): Action | undefined {
  const found = unrecordedFinding(o);
  if (found !== undefined) return { type: 'RecordFinding', found };
  const { prime, volume, former } = o;
  const own = prime !== undefined && volume !== undefined && isBoundTo(volume, prime) ? volume : undefined;
  if (own !== undefined && deletes(own) && mustSurvive(o, own)) return { type: 'KeepVolume', volume: own };
  const removable = [own, former].find((it) => it !== undefined && retains(it) && isOursAlone(o, it));
  return removable === undefined ? undefined : { type: 'SuspendRetain', volume: removable };
}

function retains(volume: Volume): boolean {
  return volume.spec.persistentVolumeReclaimPolicy === 'Retain' && !isDeleting(volume);
}

/** Also of a volume that somebody has begun to delete: its storage is removed by the policy that it has when its prime is gone. */
function deletes(volume: Volume): boolean {
  return volume.spec.persistentVolumeReclaimPolicy !== 'Retain';
}

function cleanup(o: Observation, now: number): Action | undefined {
  const wanted = o.plugin?.hasCleanup === true && o.population?.spec.pinned !== undefined && holdsRecord(o);
  if (!wanted || o.local.cleaned || o.population?.status?.phase === 'Succeeded') return undefined;
  if (o.local.cleanupFailures >= CLEANUP_ATTEMPTS) return undefined;
  // Kept in mind, since the record goes on when the claim that says so is gone.
  if (o.claim?.metadata.annotations?.[ANNOTATION_SKIP_CLEANUP] === 'true') return { type: 'SkipCleanup' };
  if (o.local.cleanupRetryAt > now) {
    const message = "the plugin's cleanup function failed; trying again";
    return {
      type: 'Wait',
      waiting: { reason: 'PopulateCleanupFailed', message, mood: 'progressing', until: o.local.cleanupRetryAt },
    };
  }
  return { type: 'CallCleanup' };
}

/**
 * Swapped to a claim that somebody else bound in between: left alone, a later claim of that name could get the data. Without the
 * provisioner's finalizer, which comes with the policy Delete, deleting the object would leave the storage: where the policy had to be
 * changed, the PV controller is left to reclaim the volume, as it does with every provisioned volume whose claim has another one.
 */
function strayVolume(o: Observation): Action | undefined {
  const { volume, claim } = o;
  if (volume === undefined || claim === undefined || !isSwapped(o) || isDeleting(volume)) return undefined;
  const bound = claim.spec.volumeName;
  if (bound === undefined || bound === volume.metadata.name) return undefined;
  // It names a claim of one UID, which has another volume: no later claim can get it.
  if (mustSurvive(o, volume)) return retains(volume) ? undefined : { type: 'KeepVolume', volume };
  if (retains(volume)) return isOursAlone(o, volume) ? { type: 'SuspendRetain', volume } : undefined;
  return volume.metadata.annotations?.[ANNOTATION_RECLAIM_POLICY] === undefined
    ? { type: 'DeleteVolume', volume }
    : undefined;
}

function removePrime(o: Observation, now: number): Action | undefined {
  const { prime } = o;
  if (prime === undefined) return undefined;
  // After the hand-over nothing rests on it any more. Let go first: once it is being deleted, its finalizers are contended.
  if (isSwapped(o) && hasFinalizer(prime, PROTECTION_FINALIZER)) return { type: 'ReleasePrime' };
  if (!isDeleting(prime)) return { type: 'DeletePrime' };
  if (!hasFinalizer(prime, PROTECTION_FINALIZER))
    return waiting(`waiting for the temporary claim ${prime.metadata.name} to be gone`);
  const until = settledAt(o, prime);
  if (until > now) return waiting('a volume may still be on its way to the temporary claim', until);
  return { type: 'ReleasePrime' };
}

/**
 * Deleting a claim while CreateVolume is in flight can leak the volume (kubernetes-csi/external-provisioner #486): the prime outlives its deletion
 * for a moment, longer where the class retains volumes, since then nobody else would remove a late one.
 */
function settledAt(o: Observation, prime: Claim): number {
  const deleted = Date.parse(prime.metadata.deletionTimestamp ?? '');
  const provisioned = o.volume !== undefined || prime.spec.volumeName !== undefined;
  if (provisioned || !Number.isFinite(deleted)) return 0;
  return deleted + (o.storageClass?.reclaimPolicy === 'Retain' ? 30_000 : 2_000);
}

/** The claim first, the record last: as long as the claim is held, the record must be able to say why. */
function release(o: Observation): Action | undefined {
  if (o.claim !== undefined && isProtected(o.claim)) return { type: 'ReleaseClaim' };
  if (holdsRecord(o)) return { type: 'ReleasePopulation' };
  return undefined;
}

function waiting(message: string, until?: number): Action {
  return {
    type: 'Wait',
    waiting: { reason: 'CleaningUp', message, mood: 'routine', ...(until !== undefined && { until }) },
  };
}

/** Writes on the PersistentVolume: the swap, and the removal of what was never handed over. */
import {
  ANNOTATION_DIGEST,
  ANNOTATION_POPULATED_AT,
  ANNOTATION_POPULATED_BY,
  ANNOTATION_POPULATED_FROM,
  ANNOTATION_RECLAIM_POLICY,
  ANNOTATION_VERIFICATION,
} from '../../api/names.ts';
import type { Claim, Volume } from '../../api/objects.ts';
import type { Population } from '../../api/population.ts';
import { claims, volumes } from '../../api/resources.ts';
import { keyOf } from '../../kube/index.ts';
import { type Outcome, settle, settleDelete, stale } from '../../runtime/index.ts';
import type { StepContext } from '../context.ts';
import { isBoundTo, isDeletedUnbound, isDeleting, isReadOnly } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { isPrimeOf } from '../proof.ts';
import { timestamp } from '../status.ts';
import { isOursAlone, mustSurvive } from '../volume-content.ts';

/** What a swap rests on, read live. */
export interface SwapReads {
  readonly volume: Volume | undefined;
  readonly prime: Claim | undefined;
  readonly claim: Claim | undefined;
}

/**
 * Step 5: the volume's claimRef goes from the prime to the user's claim in one write, guarded by the version just read.
 * A Released volume that is still named for a deleted prime would take the swap and bind the claim to data about to be destroyed,
 * so phase, deletion and every UID are checked on live objects first.
 */
export async function rebind(context: StepContext, o: Observation): Promise<Outcome> {
  const { population } = o;
  const recorded = population?.status?.volume;
  if (population === undefined || recorded === undefined || o.prime === undefined || o.claim === undefined)
    return stale('the record is incomplete');
  const options = { signal: context.signal };
  const [volume, prime, claim] = await Promise.all([
    context.client.get(volumes, { name: recorded.name }, options),
    context.client.get(claims, keyOf(o.prime), options),
    context.client.get(claims, keyOf(o.claim), options),
  ]);
  const proven = isPrimeOf(prime, population, o.home);
  const objection = proven ? swapObjection({ volume, prime, claim }, population) : 'the prime is not proven to be ours';
  if (objection !== undefined || volume === undefined || claim === undefined) {
    if (volume !== undefined) context.stores.volumes.merge(volume);
    return stale(objection ?? 'volume or claim is gone');
  }
  const body = swapPatch(volume, claim, population, context.now());
  const outcome = await context.client.mergePatch(volumes, keyOf(volume), body, options);
  return settle(context.stores.volumes, outcome, `volume ${volume.metadata.name}`);
}

/** The first thing that forbids the swap, or undefined. Pure. */
export function swapObjection({ volume, prime, claim }: SwapReads, population: Population): string | undefined {
  const { status, spec } = population;
  if (status?.result === undefined) return 'no verified result is recorded';
  if (volume === undefined || volume.metadata.uid !== status.volume?.uid) return 'the recorded volume is gone';
  if (isDeleting(volume) || volume.status?.phase !== 'Bound')
    return `volume ${volume.metadata.name} is ${volume.status?.phase ?? 'unknown'} or being deleted`;
  if (status.prime === undefined || volume.spec.claimRef?.uid !== status.prime.uid)
    return 'the volume does not belong to the recorded prime';
  if (prime === undefined || prime.metadata.uid !== status.prime.uid || isDeleting(prime))
    return 'the prime is gone or being deleted';
  if (claim === undefined || claim.metadata.uid !== spec.claim.uid || isDeleting(claim))
    return 'the claim is gone or being deleted';
  if (claim.spec.volumeName !== undefined) return `the claim is bound to ${claim.spec.volumeName} already`;
  return undefined;
}

function swapPatch(volume: Volume, claim: Claim, population: Population, now: number): object {
  const { namespace, name, uid } = claim.metadata;
  const { source, target } = population.spec;
  const result = population.status?.result;
  const policy = target?.reclaimPolicy ?? volume.metadata.annotations?.[ANNOTATION_RECLAIM_POLICY];
  return {
    metadata: {
      uid: volume.metadata.uid,
      resourceVersion: volume.metadata.resourceVersion,
      annotations: {
        [ANNOTATION_POPULATED_FROM]: `${population.spec.pinned?.namespace ?? namespace}/${source.name}`,
        [ANNOTATION_POPULATED_BY]: `${namespace}/${population.metadata.name}`,
        [ANNOTATION_POPULATED_AT]: timestamp(now),
        [ANNOTATION_VERIFICATION]: result?.verification ?? 'none',
        ...(result?.digest !== undefined && { [ANNOTATION_DIGEST]: result.digest }),
        [ANNOTATION_RECLAIM_POLICY]: null,
      },
    },
    // The old claim's resourceVersion must not stay: null removes it, the PV controller completes the rest.
    spec: {
      claimRef: { namespace, name, uid, resourceVersion: null },
      ...(target !== undefined && { storageClassName: target.volumeClass }),
      ...(policy !== undefined && { persistentVolumeReclaimPolicy: policy }),
      ...(isReadOnly(claim) && { accessModes: claim.spec.accessModes }),
    },
  };
}

/**
 * Until the hand-over the volume goes with its prime, whatever its class says: see tear-down. The policy that it had is kept on the
 * volume itself, in the same write, since a class may be another one by the time of the hand-over.
 */
export async function suspendRetain(context: StepContext, o: Observation, volume: Volume): Promise<Outcome> {
  // The patch carries the version that this was judged on: the API server compares it with the live volume.
  if (!isOursAlone(o, volume) || !isOfThisClaim(o, volume)) return stale('the volume is not known to be only ours');
  return patchVolume(context, volume, suspendedPolicy(volume));
}

/** Its content must survive whatever becomes of the prime. */
export async function keepVolume(context: StepContext, o: Observation, volume: Volume): Promise<Outcome> {
  if (!mustSurvive(o, volume) || !isOfThisClaim(o, volume)) return stale('the volume belongs to somebody else');
  return patchVolume(context, volume, underPolicy(volume, 'Retain'));
}

async function patchVolume(context: StepContext, volume: Volume, body: object): Promise<Outcome> {
  const outcome = await context.client.mergePatch(volumes, keyOf(volume), body, { signal: context.signal });
  return settle(context.stores.volumes, outcome, `volume ${volume.metadata.name}`);
}

function isOfThisClaim(o: Observation, volume: Volume): boolean {
  const ofPrime = o.prime !== undefined && isBoundTo(volume, o.prime);
  return ofPrime || volume.metadata.uid === o.former?.metadata.uid || isStray(o, volume);
}

/** Puts this version of the volume under Delete and keeps its own policy beside it. */
export function suspendedPolicy(volume: Volume): object {
  return underPolicy(volume, 'Delete');
}

function underPolicy({ metadata, spec }: Volume, persistentVolumeReclaimPolicy: 'Delete' | 'Retain'): object {
  const { uid, resourceVersion } = metadata;
  const own = metadata.annotations?.[ANNOTATION_RECLAIM_POLICY] ?? spec.persistentVolumeReclaimPolicy;
  const annotations = { [ANNOTATION_RECLAIM_POLICY]: own };
  return { metadata: { uid, resourceVersion, annotations }, spec: { persistentVolumeReclaimPolicy } };
}

/** Swapped, but the claim was bound elsewhere meanwhile: see tear-down. */
export async function deleteVolume(context: StepContext, o: Observation, volume: Volume): Promise<Outcome> {
  const live = await context.client.get(volumes, keyOf(volume), { signal: context.signal });
  if (live !== undefined) context.stores.volumes.merge(live);
  if (live === undefined || !isStray(o, live)) return stale('the volume is gone, or belongs to somebody else');
  const { uid, resourceVersion } = live.metadata;
  const outcome = await context.client.delete(volumes, keyOf(volume), { uid, resourceVersion, signal: context.signal });
  return settleDelete(context.stores.volumes, volume, outcome, `volume ${volume.metadata.name}`);
}

/** Why a volume that was handed over is not to be given up; undefined where live reads say what the observation says: see decide-rebind. */
export async function mayYetBeBound(context: StepContext, o: Observation): Promise<Outcome | undefined> {
  if (o.claim === undefined || o.volume === undefined) return stale('claim or volume is gone');
  const options = { signal: context.signal };
  const [claim, volume] = await Promise.all([
    context.client.get(claims, keyOf(o.claim), options),
    context.client.get(volumes, keyOf(o.volume), options),
  ]);
  if (claim !== undefined) context.stores.claims.merge(claim);
  if (volume !== undefined) context.stores.volumes.merge(volume);
  return isDeletedUnbound({ uid: o.uid, claim, volume }) ? undefined : stale('claim or volume is another one by now');
}

/** The recorded volume, handed over to a claim that has another one. */
function isStray(o: Observation, volume: Volume): boolean {
  const bound = o.claim?.spec.volumeName;
  const recorded = volume.metadata.uid === o.population?.status?.volume?.uid;
  return recorded && volume.spec.claimRef?.uid === o.uid && bound !== undefined && bound !== volume.metadata.name;
}

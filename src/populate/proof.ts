/** What makes an object ours in this room: the record of a claim, its prime, its pods. Pure; the rule itself is in api/proof.ts. */
import { podName, populationName, primeName } from '../api/names.ts';
import type { KubeObject, Pod } from '../api/objects.ts';
import { type Population, populations } from '../api/population.ts';
import { type ExpectedOwner, isOurs, type RecordIdentity } from '../api/proof.ts';
import { isDeleting } from './facts.ts';

/** The record of the claim with this UID: by its own name and content, owned by the claim or, after an orphaning delete, by nothing. */
export function isRecordOf(population: Population, uid: string): boolean {
  const owners = population.metadata.ownerReferences ?? [];
  // Deleting the claim with --cascade=orphan takes the owner away, and the clean-up must not lose its memory with it.
  const owned = owners.length === 0 || owners.some((owner) => owner.uid === uid);
  return owned && population.spec.claim.uid === uid && population.metadata.name === populationName(uid);
}

export function identityOf({ metadata: { uid, creationTimestamp } }: Population): RecordIdentity {
  return { kind: 'Population', uid, createdAt: creationTimestamp };
}

/** The prime of this record, in the namespace where its primes are. */
export function isPrimeOf(object: KubeObject | undefined, population: Population | undefined, home: string): boolean {
  if (population === undefined) return false;
  const { claim } = population.spec;
  return isOurs(object, {
    namespace: home,
    name: primeName(claim.uid),
    record: identityOf(population),
    owner: atHome(population, home, {
      kind: 'PersistentVolumeClaim',
      name: claim.name,
      uid: claim.uid,
      // The garbage collector takes it away from the record and from the prime, one after the other.
      leaving: isOrphaned(population),
    }),
    recordedUid: population.status?.prime?.uid,
  });
}

/** A populator pod of this record, of whichever attempt, in the namespace where its pods are. */
export function isPodOf(pod: Pod | undefined, population: Population | undefined, home: string): boolean {
  if (population === undefined || pod === undefined) return false;
  const served = servedByPod(pod.metadata.name);
  if (served?.claimUid !== population.spec.claim.uid) return false;
  const { name, uid } = population.metadata;
  const recorded = population.status?.pod;
  return isOurs(pod, {
    namespace: home,
    name: podName(served.claimUid, served.attempt),
    record: identityOf(population),
    owner: atHome(population, home, { kind: populations.kind, name, uid, leaving: isDeleting(population) }),
    recordedUid: recorded?.name === pod.metadata.name ? recorded.uid : undefined,
  });
}

/** The claim and the attempt that a pod of this name would be for; undefined where the name is none of ours. */
export function servedByPod(name: string): { readonly claimUid: string; readonly attempt: number } | undefined {
  const found = POD_NAME.exec(name);
  return found?.[1] === undefined ? undefined : { claimUid: found[1], attempt: Number(found[2]) };
}

/** The claim that a prime of this name would be for. */
export function servedByPrime(name: string): string | undefined {
  return PRIME_NAME.exec(name)?.[1];
}

const UID_PATTERN = '([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})';
const PRIME_NAME = new RegExp(`^${primeName(UID_PATTERN)}$`);
/** A UID is opaque (API conventions); its last part, as API servers make it, is too long for an attempt. */
const POD_NAME = new RegExp(`^${primeName('(.+)')}-([1-9][0-9]{0,8})$`);

/** An owner in another namespace counts as gone, so what is made elsewhere has none. */
function atHome(population: Population, home: string, owner: ExpectedOwner): ExpectedOwner | 'none' {
  return home === population.metadata.namespace ? owner : 'none';
}

function isOrphaned(population: Population): boolean {
  const owners = population.metadata.ownerReferences ?? [];
  return owners.length === 0 || isDeleting(population);
}

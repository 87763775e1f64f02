/** Small questions that decisions ask of an observation. All pure. */
import {
  ANNOTATION_BIND_COMPLETED,
  ANNOTATION_SELECTED_NODE,
  CLAIM_FINALIZER,
  PROTECTION_FINALIZER,
} from '../api/names.ts';
import { hasFinalizer } from '../runtime/index.ts';
import type { Claim, KubeObject, Pod, Volume } from '../api/objects.ts';
import { type Population, type TargetClass, RECORD_FORMAT } from '../api/population.ts';
import type { Observation } from './observation.ts';

export function isDeleting(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

export function isProtected(claim: Claim): boolean {
  return hasFinalizer(claim, CLAIM_FINALIZER);
}

export function holdsRecord(o: Observation): boolean {
  return o.population !== undefined && hasFinalizer(o.population, PROTECTION_FINALIZER);
}

export function selectedNode(claim: Claim): string | undefined {
  return claim.metadata.annotations?.[ANNOTATION_SELECTED_NODE];
}

/** The scheduler's own test: `volumeName` alone does not make a claim bound (kube-scheduler, volumebinding/binder.go). */
export function isFullyBound(claim: Claim): boolean {
  return claim.spec.volumeName !== undefined && claim.metadata.annotations?.[ANNOTATION_BIND_COMPLETED] !== undefined;
}

/** Whoever has the claim may only read: nobody could fill its volume in that mode. */
export function isReadOnly({ spec: { accessModes = [] } }: Claim): boolean {
  return accessModes.length > 0 && accessModes.every((mode) => mode === 'ReadOnlyMany');
}

export function isBoundTo(volume: Volume, claim: Claim): boolean {
  return volume.spec.claimRef?.uid === claim.metadata.uid;
}

/** The volume names the user's claim: the swap has happened. */
export function isSwapped(o: Observation): boolean {
  return o.volume?.spec.claimRef?.uid === o.uid;
}

/**
 * Deleted by somebody between the hand-over and the binding. Kubernetes binds no claim to a volume that is being deleted, and does not let
 * the volume go as long as the claim may still be bound to it: they wait for each other.
 */
export function isDeletedUnbound({ uid, claim, volume }: Pick<Observation, 'uid' | 'claim' | 'volume'>): boolean {
  const handedOver = volume?.spec.claimRef?.uid === uid && isDeleting(volume);
  return handedOver && claim?.metadata.uid === uid && claim.spec.volumeName === undefined;
}

/** No container of the pod runs any more, nor ever will: kubelet said so, or it was never given to a node. */
export function isTerminal(pod: Pod): boolean {
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') return true;
  return isDeleting(pod) && pod.spec.nodeName === undefined;
}

/**
 * Ended for good, deleted and released by us: nothing runs in it, and the next attempt has another name. A finalizer of another controller may
 * keep the object for ever, and nothing of ours waits for that.
 */
export function isLetGo(pod: Pod): boolean {
  const heldByOthers = (pod.metadata.finalizers ?? []).length > 0 && !hasFinalizer(pod, PROTECTION_FINALIZER);
  return isTerminal(pod) && isDeleting(pod) && heldByOthers;
}

export function attemptOf(o: Observation): number {
  return o.population?.status?.attempt ?? 0;
}

/** Whether the latest attempt is over (or none has begun), so that another one may start. */
export function needsAttempt(o: Observation): boolean {
  const attempt = attemptOf(o);
  return attempt === 0 || o.population?.status?.failedAttempt === attempt;
}

/** Whether the record's status speaks of the source that is pinned now; after a re-pin it still tells of the one before. */
export function isCurrent(population: Population): boolean {
  return population.status?.observedGeneration === population.metadata.generation;
}

/** Written by a later version of Volprime, with a meaning that this one does not know. */
export function isTooNew(population: Population | undefined): boolean {
  return (population?.status?.format ?? RECORD_FORMAT) > RECORD_FORMAT;
}

/** Failed for good, for the source as pinned. */
export function hasFailed(population: Population | undefined): boolean {
  return population?.status?.phase === 'Failed' && isCurrent(population);
}

/** The classes of a population that has begun and goes on with what it had; a new beginning reads them anew. */
export function recordedTarget(population: Population | undefined): TargetClass | undefined {
  return hasFailed(population) ? undefined : population?.spec.target;
}

export function failuresOf(population: Population | undefined): number {
  return population !== undefined && isCurrent(population) ? (population.status?.failures ?? 0) : 0;
}

/** Those of them that do not count towards the limit of attempts. */
export function excusedOf(population: Population | undefined): number {
  return population !== undefined && isCurrent(population) ? (population.status?.excused ?? 0) : 0;
}

export function describeClaim(claim: Claim): string {
  return `${claim.metadata.namespace}/${claim.metadata.name}`;
}

/** Which claims a change concerns: from any watched object to claim UIDs. Pure look-ups in caches, never a call. */
import { CLAIM_FINALIZER, LABEL_CLAIM_UID, LABEL_MANAGED_BY, MANAGED_BY, primeName } from '../api/names.ts';
import type { Claim, KubeObject, Pod, StorageClass, Volume } from '../api/objects.ts';
import type { Population } from '../api/population.ts';
import type { ReferenceGrant } from '../api/reference-grant.ts';
import { SNAPSHOT_GROUP, type VolumeSnapshotContent, volumeSnapshots } from '../api/snapshots.ts';
import type { Change, Store } from '../informer/index.ts';
import {
  BY_CLAIM_REF_UID,
  BY_CLAIM_UID,
  BY_NAMESPACE,
  BY_PENDING_CLASS,
  BY_POPULATED_CLAIM,
  BY_SOURCE,
  BY_SOURCE_NAMESPACE,
  BY_STORAGE,
  podKey,
  type Stores,
} from './context.ts';
import { namesOtherNamespace, sourceNamespace } from './grants.ts';
import type { PluginRegistry } from './plugin-registry.ts';
import { servedByPod } from './proof.ts';
import { storageKeys } from './shared-storage.ts';
import { withWrappers } from './wrapper.ts';

export function claimIndexes(plugins: PluginRegistry) {
  // An index sees one object only: here every claim counts that would be ours in some class.
  const concerns = (claim: Claim) => !isPrime(claim) && mayConcern(plugins, claim);
  return {
    [BY_SOURCE]: (claim: Claim) => {
      const ref = claim.spec.dataSourceRef;
      return ref === undefined || !concerns(claim)
        ? []
        : [sourceKey(ref.apiGroup ?? '', ref.kind, sourceNamespace(claim), ref.name)];
    },
    [BY_SOURCE_NAMESPACE]: (claim: Claim) =>
      namesOtherNamespace(claim) && concerns(claim) ? [sourceNamespace(claim)] : [],
    [BY_PENDING_CLASS]: (claim: Claim) =>
      claim.spec.volumeName === undefined && concerns(claim) ? [claim.spec.storageClassName ?? ''] : [],
  };
}

export const grantIndexes = { [BY_NAMESPACE]: ({ metadata }: ReferenceGrant) => [metadata.namespace ?? ''] };

export const volumeIndexes = {
  [BY_CLAIM_REF_UID]: (volume: Volume) => (volume.spec.claimRef?.uid === undefined ? [] : [volume.spec.claimRef.uid]),
  [BY_STORAGE]: storageKeys,
};

export const populationIndexes = { [BY_CLAIM_UID]: (population: Population) => [population.spec.claim.uid] };
/** By name and namespace: labels are anybody's to copy, and another namespace's pods are not looked at. */
export const podIndexes = {
  [BY_POPULATED_CLAIM]: ({ metadata: { namespace, name } }: Pod) => {
    const served = servedByPod(name);
    return served === undefined ? [] : [podKey(namespace ?? '', served.claimUid)];
  },
};

export function sourceKey(group: string, kind: string, namespace: string, name: string): string {
  return `${kind}.${group}/${namespace}/${name}`;
}

const PRIME_PREFIX = primeName('');

/**
 * A user's claim with a plugin, or whatever still bears our finalizer; and a prime, for the claim that it serves. What only has the name of
 * a prime stands in the way of that claim until it goes.
 */
export function fromClaim(plugins: PluginRegistry, classes: Store<StorageClass>, change: Change<Claim>): string[] {
  const claim = change.new ?? change.old;
  if (claim === undefined) return [];
  if (isPrime(claim)) return claimUidLabel(claim);
  const begun = claim.metadata.finalizers?.includes(CLAIM_FINALIZER) === true;
  const storageClass = classes.get({ name: claim.spec.storageClassName ?? '' });
  if (begun || plugins.of(claim, { storageClass, begun }) !== undefined) return [claim.metadata.uid];
  const { name } = claim.metadata;
  return name.startsWith(PRIME_PREFIX) ? [name.slice(PRIME_PREFIX.length)] : [];
}

/** By the claim that the volume is for: a prime leads on to the claim that it serves. */
export function fromVolume(claims: Store<Claim>, change: Change<Volume>): string[] {
  const uids = new Set<string>();
  for (const volume of [change.old, change.new]) {
    const uid = volume?.spec.claimRef?.uid;
    const claim = uid === undefined ? undefined : claims.byUid(uid);
    if (claim === undefined) continue;
    for (const found of isPrime(claim) ? claimUidLabel(claim) : [claim.metadata.uid]) uids.add(found);
  }
  return [...uids];
}

export function fromPopulation(change: Change<Population>): string[] {
  const population = change.new ?? change.old;
  return population === undefined ? [] : [population.spec.claim.uid];
}

export function fromPod(change: Change<Pod>): string[] {
  const pod = change.new ?? change.old;
  const served = pod && servedByPod(pod.metadata.name);
  return served === undefined ? [] : [served.claimUid];
}

export function fromSource(claims: Store<Claim>, group: string, kind: string, change: Change<KubeObject>): string[] {
  const source = change.new ?? change.old;
  if (source === undefined) return [];
  const key = sourceKey(group, kind, source.metadata.namespace ?? '', source.metadata.name);
  return claims
    .byIndex(BY_SOURCE, key)
    .filter((claim) => claim.spec.volumeName === undefined)
    .map((claim) => claim.metadata.uid);
}

/** Claims that name the snapshot of this content: whether they are ours depends on its driver. */
export function fromSnapshotContent(claims: Store<Claim>, change: Change<VolumeSnapshotContent>): string[] {
  const { namespace = '', name = '' } = (change.new ?? change.old)?.spec.volumeSnapshotRef ?? {};
  return claims
    .byIndex(BY_SOURCE, sourceKey(SNAPSHOT_GROUP, volumeSnapshots.kind, namespace, name))
    .filter((claim) => claim.spec.volumeName === undefined)
    .map((claim) => claim.metadata.uid);
}

/** Given, changed or taken away: every claim that waits for a source there looks again. */
export function fromGrant(claims: Store<Claim>, change: Change<ReferenceGrant>): string[] {
  const namespace = (change.new ?? change.old)?.metadata.namespace ?? '';
  return claims
    .byIndex(BY_SOURCE_NAMESPACE, namespace)
    .filter((claim) => claim.spec.volumeName === undefined)
    .map((claim) => claim.metadata.uid);
}

/** Claims of that class that wait, and those of each wrapper over it. */
export function fromStorageClass(
  { claims, storageClasses }: Pick<Stores, 'claims' | 'storageClasses'>,
  change: Change<StorageClass>,
): string[] {
  const name = (change.new ?? change.old)?.metadata.name ?? '';
  return withWrappers(storageClasses.list(), name)
    .flatMap((each) => claims.byIndex(BY_PENDING_CLASS, each))
    .map((claim) => claim.metadata.uid);
}

function isPrime(claim: Claim): boolean {
  return claim.metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY;
}

function mayConcern(plugins: PluginRegistry, claim: Claim): boolean {
  const ref = claim.spec.dataSourceRef;
  return plugins.ofKind(ref?.apiGroup ?? '', ref?.kind ?? '') !== undefined;
}

function claimUidLabel(object: KubeObject): string[] {
  const uid = object.metadata.labels?.[LABEL_CLAIM_UID];
  return uid === undefined ? [] : [uid];
}

/** The invariants of DESIGN section 2 as a test can see them: at rest, and on the storage's own word. */
import { basename } from 'node:path';
import {
  ANNOTATION_BIND_COMPLETED,
  CLAIM_FINALIZER,
  LABEL_MANAGED_BY,
  MANAGED_BY,
  PROTECTION_FINALIZER,
  primeName,
} from '../../../src/api/names.ts';
import type { Claim, KubeObject, Pod, Volume } from '../../../src/api/objects.ts';
import { type Population, populations } from '../../../src/api/population.ts';
import { claims, pods, type Resource, volumes } from '../../../src/api/resources.ts';
import { listLocalVolumes, listVolumes } from '../../cluster/index.ts';
import type { Cluster } from './cluster.ts';
import { until } from './until.ts';

export async function listAll<T extends KubeObject>(
  { client }: Cluster,
  resource: Resource<T>,
  namespace?: string,
): Promise<T[]> {
  return (await client.listPage(resource, { ...(namespace !== undefined && { namespace }) })).items;
}

export interface NamespaceState {
  readonly claims: readonly Claim[];
  readonly pods: readonly Pod[];
  readonly populations: readonly Population[];
  /** Those that name a claim of this namespace. */
  readonly volumes: readonly Volume[];
  /** Handles of what the storage itself holds for claims of this namespace; undefined where it cannot be asked. */
  readonly stored: readonly string[] | undefined;
}

export async function readNamespace(cluster: Cluster, namespace: string): Promise<NamespaceState> {
  const [claimList, podList, populationList, volumeList, stored] = await Promise.all([
    listAll(cluster, claims, namespace),
    listAll(cluster, pods, namespace),
    listAll(cluster, populations, namespace),
    listAll(cluster, volumes),
    cluster.embedded === undefined ? undefined : listVolumes(cluster.embedded),
  ]);
  const local = cluster.embedded === undefined ? [] : listLocalVolumes(cluster.embedded);
  return {
    claims: claimList,
    pods: podList,
    populations: populationList,
    volumes: volumeList.filter(({ spec }) => spec.claimRef?.namespace === namespace),
    stored: stored && [
      ...stored
        .filter(({ parameters }) => parameters?.['csi.storage.k8s.io/pvc/namespace'] === namespace)
        .map(({ id }) => id),
      ...local.filter((directory) => directory.includes(`_${namespace}_`)),
    ],
  };
}

/** I3: what of ours is left although nothing is going on; empty when all is well. */
export function leftovers({ claims, pods, populations, volumes, stored }: NamespaceState): string[] {
  const living = new Map(claims.filter((claim) => !isOurs(claim)).map((claim) => [claim.metadata.uid, claim]));
  const bound = volumes.filter((volume) => {
    const claim = living.get(volume.spec.claimRef?.uid ?? '');
    return claim?.spec.volumeName !== undefined || isKept(volume);
  });
  const handles = new Set(bound.map(({ spec }) => spec.csi?.volumeHandle ?? basename(spec.hostPath?.path ?? '')));
  return [
    ...claims.filter(isOurs).map((prime) => `prime ${prime.metadata.name}`),
    ...pods.filter(isOurs).map((pod) => `pod ${pod.metadata.name}`),
    ...[...living.values()].filter(has(CLAIM_FINALIZER)).map((claim) => `finalizer on claim ${claim.metadata.name}`),
    ...populations.filter(({ spec }) => !living.has(spec.claim.uid)).map(({ spec }) => `record of ${spec.claim.name}`),
    ...populations.filter(has(PROTECTION_FINALIZER)).map(({ spec }) => `finalizer on the record of ${spec.claim.name}`),
    ...volumes
      .filter((volume) => !bound.includes(volume))
      .map(({ metadata, status, spec }) => `${status?.phase} volume ${metadata.name} for ${spec.claimRef?.name}`),
    ...(stored ?? []).filter((handle) => !handles.has(handle)).map((handle) => `stored volume ${handle}`),
  ];
}

/**
 * A volume of a prime that no pod found empty: its class retains it (decision 0032). That those which were found empty go is shown by
 * foreign-content.test.ts, taken-away.test.ts and the properties of `decide`.
 */
export function isKept({ spec, status }: Volume): boolean {
  const ofPrime = spec.claimRef?.name?.startsWith(primeName('')) === true;
  return ofPrime && spec.persistentVolumeReclaimPolicy === 'Retain' && status?.phase === 'Released';
}

/** I3, once what is still going on has ended. */
export async function expectNothingLeft(cluster: Cluster, namespace: string, check = () => {}): Promise<void> {
  await until(
    `nothing of ours to be left in ${namespace}`,
    async () => {
      check();
      return leftovers(await readNamespace(cluster, namespace));
    },
    (left) => left.length === 0,
    { limitMs: 90_000, intervalMs: 300 },
  );
}

export function isFullyBound(claim: Claim): boolean {
  return (
    claim.status?.phase === 'Bound' &&
    claim.spec.volumeName !== undefined &&
    claim.metadata.annotations?.[ANNOTATION_BIND_COMPLETED] !== undefined
  );
}

function isOurs(object: KubeObject): boolean {
  return object.metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY;
}

function has(finalizer: string): (object: KubeObject) => boolean {
  return ({ metadata }) => metadata.finalizers?.includes(finalizer) === true;
}

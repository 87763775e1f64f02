/** Single objects of the cluster: read, removed, and robbed of their finalizers as an impatient person would. */
import type { Claim, KubeObject } from '../../../src/api/objects.ts';
import { type Population, populations } from '../../../src/api/population.ts';
import type { Resource } from '../../../src/api/resources.ts';
import type { ObjectKey } from '../../../src/kube/index.ts';
import type { Cluster } from './cluster.ts';
import { listAll } from './invariants.ts';

/** @throws where it does not exist. */
export async function read<T extends KubeObject>(cluster: Cluster, resource: Resource<T>, key: ObjectKey): Promise<T> {
  const found = await cluster.client.get(resource, key);
  if (found === undefined) throw new Error(`${resource.kind} ${key.name} is not there`);
  return found;
}

export async function remove<T extends KubeObject>(
  cluster: Cluster,
  resource: Resource<T>,
  key: ObjectKey,
): Promise<void> {
  const { metadata } = await read(cluster, resource, key);
  await cluster.client.delete(resource, key, { uid: metadata.uid });
}

export async function stripFinalizers<T extends KubeObject>(
  cluster: Cluster,
  resource: Resource<T>,
  key: ObjectKey,
): Promise<void> {
  await cluster.client.mergePatch(resource, key, { metadata: { finalizers: null } });
}

export async function recordOf(cluster: Cluster, { metadata }: Claim): Promise<Population | undefined> {
  const records = await listAll(cluster, populations, metadata.namespace);
  return records.find(({ spec }) => spec.claim.uid === metadata.uid);
}

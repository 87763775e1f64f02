/** Namespaces of tests: where tenants live, under Pod Security level "restricted", and where controllers of tests have their leases. */
import { randomBytes } from 'node:crypto';
import type { KubeObject, NewObject } from '../../../src/api/objects.ts';
import { populations } from '../../../src/api/population.ts';
import { claims, pods, type Resource, volumes } from '../../../src/api/resources.ts';
import { type Cluster, systemNamespace } from './cluster.ts';
import { listAll } from './invariants.ts';

export const leaseNamespace = 'volprime-e2e-leases';

export async function createNamespace(cluster: Cluster, label: string): Promise<string> {
  const name = `e2e-${label}-${randomBytes(3).toString('hex')}`;
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await applyObjects(cluster, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  return name;
}

/** The role of deploy/ names one lease; controllers of tests have leases of their own, apart from the namespaces that come and go. */
export async function provideLeases(cluster: Cluster): Promise<void> {
  const group = 'rbac.authorization.k8s.io';
  const metadata = { name: 'test-leases', namespace: leaseNamespace };
  const account = { kind: 'ServiceAccount', name: 'volprime-controller', namespace: systemNamespace };
  const rule = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'patch'] };
  await applyObjects(
    cluster,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: leaseNamespace } },
    { apiVersion: `${group}/v1`, kind: 'Role', metadata, rules: [rule] },
    {
      apiVersion: `${group}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: group, kind: 'Role', name: metadata.name },
      subjects: [account],
    },
  );
}

export async function applyObjects(cluster: Cluster, ...items: readonly NewObject[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items };
  await cluster.kubectl(['apply', '--server-side', '--filename=-'], JSON.stringify(list));
}

/**
 * Takes claims and pods away and waits for that; what is left of the namespace then goes by itself.
 *
 * @throws when they do not go; then they are taken away by force, so that the next suite finds a clean cluster.
 */
export async function removeNamespace(cluster: Cluster, namespace: string): Promise<void> {
  await loseRetainedVolumes(cluster, namespace);
  const { kubectl } = cluster;
  try {
    const users = ['delete', 'jobs,pods', '--grace-period=1', `--namespace=${namespace}`, '--timeout=60s'];
    await kubectl([...users, '--selector=app.kubernetes.io/managed-by!=volprime']);
    await kubectl(['delete', 'pvc', '--all', `--namespace=${namespace}`, '--timeout=90s']);
  } catch (error) {
    await freeNamespace(cluster, namespace);
    throw error;
  } finally {
    await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
  }
}

/** What waits there for a controller that will never come waits no longer. */
export async function freeNamespace(cluster: Cluster, namespace: string): Promise<void> {
  await stripFinalizers(cluster, pods, namespace);
  await stripFinalizers(cluster, claims, namespace);
  await stripFinalizers(cluster, populations, namespace);
}

/** A volume that its class retains is the user's to remove: here that is the test. */
async function loseRetainedVolumes(cluster: Cluster, namespace: string): Promise<void> {
  const retained = (await listAll(cluster, volumes)).filter(
    ({ spec }) => spec.claimRef?.namespace === namespace && spec.persistentVolumeReclaimPolicy === 'Retain',
  );
  for (const { metadata } of retained) {
    await cluster.client.mergePatch(volumes, metadata, { spec: { persistentVolumeReclaimPolicy: 'Delete' } });
  }
}

async function stripFinalizers<T extends KubeObject>(
  cluster: Cluster,
  resource: Resource<T>,
  namespace: string,
): Promise<void> {
  for (const { metadata } of await listAll(cluster, resource, namespace)) {
    await cluster.client.mergePatch(resource, metadata, { metadata: { finalizers: null } });
  }
}

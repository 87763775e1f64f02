/** Namespaces of tests: where tenants live under Pod Security level "restricted", and where a test's controller has its lease. */
import { randomBytes } from 'node:crypto';
import type { KubeObject } from '../../../src/api/objects.ts';
import { populations } from '../../../src/api/population.ts';
import { claims, pods, type Resource, volumes } from '../../../src/api/resources.ts';
import { type Cluster, systemNamespace } from './cluster.ts';
import { listAll } from './invariants.ts';

export async function createNamespace(cluster: Cluster, label: string): Promise<string> {
  const name = `e2e-${label}-${randomBytes(3).toString('hex')}`;
  const lease = { metadata: { name: 'test-lease', namespace: name } };
  const rbac = 'rbac.authorization.k8s.io';
  const objects = [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    // The role of deploy/ names one lease in one namespace; a test's controller has its own.
    {
      apiVersion: `${rbac}/v1`,
      kind: 'Role',
      ...lease,
      rules: [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'patch'] }],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      ...lease,
      roleRef: { apiGroup: rbac, kind: 'Role', name: 'test-lease' },
      subjects: [{ kind: 'ServiceAccount', name: 'volprime-controller', namespace: systemNamespace }],
    },
  ];
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  await cluster.kubectl(['apply', '--server-side', '--filename=-'], JSON.stringify(list));
  return name;
}

/** @throws when it does not go by itself; then it is taken away by force, so that the next suite finds a clean cluster. */
export async function removeNamespace(cluster: Cluster, namespace: string): Promise<void> {
  await loseRetainedVolumes(cluster, namespace);
  const remove = ['delete', 'namespace', namespace, '--ignore-not-found', '--wait'];
  try {
    await cluster.kubectl([...remove, '--timeout=90s']);
  } catch (error) {
    await stripFinalizers(cluster, pods, namespace);
    await stripFinalizers(cluster, claims, namespace);
    await stripFinalizers(cluster, populations, namespace);
    await cluster.kubectl([...remove, '--timeout=60s']);
    throw error;
  }
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

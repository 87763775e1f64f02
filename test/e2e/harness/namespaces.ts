/** Namespaces of tests: where tenants live, under Pod Security level "restricted", and where controllers of tests have their leases. */
import { randomBytes } from 'node:crypto';
import { LABEL_MANAGED_BY, LABEL_POD_SECURITY, MANAGED_BY } from '../../../src/api/names.ts';
import type { KubeObject, NewObject } from '../../../src/api/objects.ts';
import { populations } from '../../../src/api/population.ts';
import { claims, namespaces, pods, type Resource, volumes } from '../../../src/api/resources.ts';
import { type Cluster, systemNamespace } from './cluster.ts';
import { listAll } from './invariants.ts';
import { until } from './until.ts';

export const leaseNamespace = 'volprime-e2e-leases';

const jobs: Resource = { group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', namespaced: true };

export async function createNamespace(cluster: Cluster, label: string): Promise<string> {
  const name = `e2e-${label}-${randomBytes(3).toString('hex')}`;
  const labels = { [LABEL_POD_SECURITY]: 'restricted' };
  await applyObjects(cluster, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  return name;
}

/** From now on pods of this Pod Security level may be made there. */
export async function admit({ kubectl }: Cluster, namespace: string, level: 'baseline' | 'restricted'): Promise<void> {
  await kubectl(['label', 'namespace', namespace, `${LABEL_POD_SECURITY}=${level}`, '--overwrite']);
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

/** In order. Hundreds of times in a run: as a program kubectl would cost more than all that the API server does for it. */
export async function applyObjects({ client }: Cluster, ...items: readonly NewObject[]): Promise<void> {
  for (const item of items) {
    const resource = resourceOf(item);
    const { name = '', namespace } = item.metadata;
    const applied = await client.apply(resource, { name, namespace }, item, { fieldManager: 'volprime-e2e' });
    if (applied.type === 'done') continue;
    const why = 'message' in applied ? applied.message : applied.type;
    throw new Error(`${resource.kind} ${name} could not be applied: ${why}`);
  }
}

/** Where objects of this kind live, by the rules that hold for all kinds that tests apply; what has no namespace belongs to the cluster. */
function resourceOf({ apiVersion, kind, metadata }: NewObject): Resource {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const singular = kind.toLowerCase();
  const ending = singular.endsWith('s') ? 'es' : 's';
  const plural = singular.endsWith('y') ? `${singular.slice(0, -1)}ies` : `${singular}${ending}`;
  return { group, version, kind, plural, namespaced: metadata.namespace !== undefined };
}

/**
 * Takes claims and pods away and waits for that; what is left of the namespace then goes by itself.
 *
 * @throws when they do not go; then they are taken away by force, so that the next suite finds a clean cluster.
 */
export async function removeNamespace(cluster: Cluster, namespace: string): Promise<void> {
  await loseRetainedVolumes(cluster, namespace);
  try {
    await removeAll(cluster, jobs, namespace);
    await removeAll(cluster, pods, namespace, ({ metadata }) => metadata.labels?.[LABEL_MANAGED_BY] !== MANAGED_BY);
    await removeAll(cluster, claims, namespace);
  } catch (error) {
    await freeNamespace(cluster, namespace);
    throw error;
  } finally {
    const found = await cluster.client.get(namespaces, { name: namespace });
    if (found !== undefined) await cluster.client.delete(namespaces, found.metadata, { uid: found.metadata.uid });
  }
}

/** @throws where one of them is still there after a minute and a half. */
async function removeAll<T extends KubeObject>(
  cluster: Cluster,
  resource: Resource<T>,
  namespace: string,
  which: (object: T) => boolean = () => true,
): Promise<void> {
  const found = (await listAll(cluster, resource, namespace)).filter(which);
  for (const { metadata } of found) {
    const options = { uid: metadata.uid, gracePeriodSeconds: 1, propagationPolicy: 'Background' } as const;
    await cluster.client.delete(resource, metadata, options);
  }
  const uids = new Set(found.map(({ metadata }) => metadata.uid));
  await until(
    `the ${resource.plural} of ${namespace} to be gone`,
    async () =>
      uids.size === 0
        ? []
        : (await listAll(cluster, resource, namespace))
            .filter(({ metadata }) => uids.has(metadata.uid))
            .map(({ metadata }) => metadata.name),
    (left) => left.length === 0,
    { limitMs: 90_000 },
  );
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

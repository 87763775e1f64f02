/**
 * What somebody with the rights of a tenant, and nothing more, tries against others: each promise about trust as the attack on it.
 * Sources of other namespaces have attacks of their own in cross-namespace.
 */
import { describe, expect, jest, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { podName, populationName } from '../../src/api/names.ts';
import type { Claim, KubeObject, NewObject } from '../../src/api/objects.ts';
import { type PopulationStatus, populations } from '../../src/api/population.ts';
import { providers } from '../../src/api/provider.ts';
import { claims, pods, type Resource, volumes } from '../../src/api/resources.ts';
import { aPoser, aRecord, canI, loudPlugin, type RunningPod, shapeOf, written } from './harness/attacks.ts';
import { projectDir, systemNamespace } from './harness/cluster.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, isFullyBound } from './harness/invariants.ts';
import { aClaimManifest, aProvider, providerRef } from './harness/manifests.ts';
import { read as readObject, recordOf } from './harness/objects.ts';
import { readBack } from './harness/read-back.ts';
import { downloads, hold, providerOf, serve } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;
const CONTROLLER = `system:serviceaccount:${systemNamespace}:volprime-controller`;

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
useSuite(async (opened) => {
  suite = opened;
  namespace = await suite.namespace('trust');
  await suite.cluster.kubectl(['apply', '--server-side', '--filename=-'], inProject('deploy/rbac-users.yaml'));
  await suite.apply(binding('admin', 'tenant-admin'), binding('edit', 'tenant-editor'));
  controller = suite.controller({
    name: namespace,
    namespaces: [namespace],
    plugins: [loudPlugin(suite.directory, suite.cluster.toolboxImage)],
  });
  controller.start();
});

describe('rights', () => {
  jest.setTimeout(TEST_MS);

  test('no tenant writes Populations, and all may read them', async () => {
    const may = (verb: string, what: string, user: string) => canI(suite.cluster, { verb, what, user, namespace });
    for (const user of ['tenant-admin', 'tenant-editor']) {
      await until('the role of the tenant to be put together', () => may('get', 'populations.volprime.dev', user));
      for (const verb of ['create', 'update', 'patch', 'delete', 'deletecollection'])
        expect([user, verb, await may(verb, 'populations.volprime.dev', user)]).toEqual([user, verb, false]);
      expect(await may('patch', 'populations.volprime.dev/status', user)).toBe(false);
    }
    const forged = JSON.stringify(aRecord(namespace, 'forged', '00000000-0000-4000-8000-000000000000'));
    const attempt = suite.cluster.kubectl(['create', '--as=tenant-admin', '--filename=-'], forged);
    await expect(attempt).rejects.toThrow(/forbidden/i);
  });

  test('the controller reads no Secret, runs nothing in pods, and takes nobody else on', async () => {
    const wanted = [
      ['get', 'secrets'],
      ['list', 'secrets'],
      ['watch', 'secrets'],
      ['create', 'pods/exec'],
      ['create', 'pods/ephemeralcontainers'],
      ['create', 'serviceaccounts/token'],
      ['impersonate', 'users'],
      ['escalate', 'clusterroles'],
      ['bind', 'clusterroles'],
      ['create', 'rolebindings'],
    ] as const;
    for (const [verb, what] of wanted)
      expect([verb, what, await canI(suite.cluster, { verb, what, user: CONTROLLER })]).toEqual([verb, what, false]);
    // So that a misspelt user does not make this test pass.
    expect(await canI(suite.cluster, { verb: 'create', what: 'pods', user: CONTROLLER })).toBe(true);
  });
});

describe('a forged record', () => {
  test(
    "that names a volume of somebody else's as the finished one does not bring it to the claim",
    async () => {
      const other = await suite.namespace('trust-victim');
      await controller.stop();
      const victim = await victimOf(other);
      const content = serve(suite, 'forged');
      const { source, ref } = providerOf(suite, namespace, 'forged', content.checksum);
      await suite.apply(source, aClaimManifest({ name: 'forged', namespace, storageClass: 'imm-del', source: ref }));
      const claim = await read(claims, namespace, 'forged');
      await forge(claim, {
        phase: 'Rebinding',
        attempt: 1,
        prime: { name: victim.claim.metadata.name, namespace: other, uid: victim.claim.metadata.uid },
        volume: { name: victim.volume.metadata.name, uid: victim.volume.metadata.uid },
        result: { verification: 'checksum' },
      });
      controller.start();
      await populated('forged', content.listing);
      const after = await read(volumes, undefined, victim.volume.metadata.name);
      expect(after.spec.claimRef?.uid).toBe(victim.claim.metadata.uid);
      expect(after.metadata.deletionTimestamp).toBeUndefined();
      expect(await readBack(suite.cluster, other, ['victim'])).toEqual({ victim: victim.listing });
    },
    TEST_MS,
  );

  test(
    'that was made in advance and belongs to something else is left alone, and nothing is done by it',
    async () => {
      await controller.stop();
      const content = serve(suite, 'advance');
      const { source, ref } = providerOf(suite, namespace, 'advance', content.checksum);
      await suite.apply(source, aClaimManifest({ name: 'advance', namespace, storageClass: 'imm-del', source: ref }));
      const claim = await read(claims, namespace, 'advance');
      const forged = aRecord(namespace, 'advance', claim.metadata.uid);
      const { uid } = (await read(providers, namespace, 'advance')).metadata;
      const owner = { apiVersion: 'provider.example.com/v1', kind: 'Provider', name: 'advance', uid };
      await suite.apply({ ...forged, metadata: { ...forged.metadata, ownerReferences: [owner] } });
      const before = await read(populations, namespace, populationName(claim.metadata.uid));
      controller.start();
      await until(
        'the claim to tell of it',
        () => suite.cluster.kubectl(['get', 'events', `--namespace=${namespace}`, '--output=json']),
        (events) => events.includes('NameTaken'),
      );
      expect(await read(populations, namespace, before.metadata.name)).toEqual(before);
      expect(downloads(suite, 'advance')).toBe(0);
      await suite.cluster.kubectl(['delete', 'population', before.metadata.name, `--namespace=${namespace}`]);
      await populated('advance', content.listing);
    },
    TEST_MS,
  );
});

describe('a Provider that names a Secret of another application', () => {
  const proxy = { proxy: 'http://127.0.0.1:3128' };
  const secrets: readonly (readonly [string, Readonly<Record<string, string>>, object?])[] = [
    ['not-for-this', { username: 'app', password: 'hunter2' }],
    ['for-another-host', { hosts: 'archives.example.com', token: 'hunter2' }],
    ['for-https-alone', { hosts: 'SERVER', token: 'hunter2' }],
    ['for-no-proxy', { hosts: 'http://SERVER', token: 'hunter2' }, proxy],
  ];
  test.each(secrets)(
    '%s: does not have it sent to a server of his',
    async (name, keys, way = {}) => {
      serve(suite, name);
      const { host } = new URL(suite.archives.url);
      const hosts = keys['hosts'] && { hosts: keys['hosts'].replace('SERVER', host) };
      const stringData = { ...keys, ...hosts };
      await suite.apply(
        { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'Opaque', stringData },
        aProvider(namespace, name, { ...way, sourceURL: `${suite.archives.url}/${name}`, secretRef: { name } }),
        aClaimManifest({ name, namespace, storageClass: 'imm-del', source: providerRef(name) }),
      );
      const record = await failed(name);
      expect(record.lastError?.reason).toBe('CredentialsInvalid');
      expect(downloads(suite, name)).toBe(0);
      const seen = await suite.cluster.kubectl([
        'get',
        'populations,events,pods',
        `--namespace=${namespace}`,
        '-oyaml',
      ]);
      expect([seen, controller.log()].filter((text) => text.includes('hunter2'))).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'nor by a redirect from a host that may have it',
    async () => {
      const trap = serve(suite, 'trap');
      const { origin, port } = new URL(suite.archives.url);
      suite.archives.set('/bait', { redirectTo: `http://localhost:${port}/trap` });
      await suite.apply(
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'bait', namespace },
          stringData: { hosts: origin, token: 'hunter2' },
        },
        aProvider(namespace, 'bait', { sourceURL: `${suite.archives.url}/bait`, secretRef: { name: 'bait' } }),
        aClaimManifest({ name: 'bait', namespace, storageClass: 'imm-del', source: providerRef('bait') }),
      );
      await until('the bait to be taken', () => downloads(suite, 'bait') > 0);
      await suite.cluster.kubectl(['delete', 'pvc', 'bait', `--namespace=${namespace}`, '--timeout=60s']);
      const sent = suite.archives.requests.filter(({ headers }) => headers.authorization === 'Bearer hunter2');
      expect(new Set(sent.map(({ path }) => path))).toEqual(new Set(['/bait']));
      expect(trap.archive.length).toBeGreaterThan(0);
    },
    TEST_MS,
  );
});

describe('a populator pod', () => {
  test(
    'is the only one to dial an address, has no token, and takes from source and claim nothing but data',
    async () => {
      const [plain, hostile] = await Promise.all([
        podOf('plain', {}, {}),
        podOf(
          'hostile',
          {
            labels: { 'sidecar.example.com/inject': 'true' },
            annotations: { 'container.example.com/privileged': 'yes' },
          },
          { extractPath: '/$(KUBERNETES_SERVICE_HOST)`id`' },
        ),
      ]);
      expect(shapeOf(hostile.pod)).toEqual(shapeOf(plain.pod));
      expect(JSON.stringify(plain.pod.spec)).not.toMatch(/serviceAccountToken|kube-api-access/);
      expect(plain.pod.spec).toMatchObject({ automountServiceAccountToken: false, serviceAccountName: 'default' });
      const addresses = [plain, hostile].map(({ pod }) => pod.status.podIP);
      const dialled = suite.archives.requests.filter(({ path }) => path === '/plain' || path === '/hostile');
      expect(new Set(dialled.map(({ remoteAddress }) => remoteAddress))).toEqual(new Set(addresses));
      for (const { gate, name, listing } of [plain, hostile]) {
        gate.open();
        await populated(name, name === 'plain' ? listing : undefined);
      }
    },
    TEST_MS,
  );

  test.each([
    ['claims success and fails', 'loud-fail', 1],
    ['tells a digest in its log only', 'loud-success', 0],
  ] as const)(
    'whose log %s: the log is no result',
    async (_what, name, exitCode) => {
      const forged = { verification: 'checksum', digest: 'sha256:f0', bytes: 1 };
      const content = JSON.stringify({ outcome: 'succeeded', targets: [forged] });
      await suite.apply(
        {
          apiVersion: 'text.example.com/v1',
          kind: 'TextFile',
          metadata: { name, namespace },
          spec: { fileName: `exit-${exitCode}`, content },
        },
        aClaimManifest({
          name,
          namespace,
          storageClass: 'imm-del',
          source: { apiGroup: 'text.example.com', kind: 'TextFile', name },
        }),
      );
      const status = await until(
        'the pod to have ended',
        () => statusOf(name),
        (found) => found?.result !== undefined || found?.lastError !== undefined,
      );
      if (exitCode === 0) expect(status?.result).toEqual({ verification: 'plugin' });
      else {
        expect(status?.result).toBeUndefined();
        expect(status?.lastError?.reason).toBe('PopulatorFailed');
        expect((await read(claims, namespace, name)).spec.volumeName).toBeUndefined();
      }
      await suite.cluster.kubectl(['delete', 'pvc', name, `--namespace=${namespace}`, '--timeout=90s']);
    },
    TEST_MS,
  );

  test(
    'with our name and our labels, of somebody else, gives no result either',
    async () => {
      await controller.stop();
      serve(suite, 'posing');
      const { source, ref } = providerOf(suite, namespace, 'posing');
      await suite.apply(source, aClaimManifest({ name: 'posing', namespace, storageClass: 'imm-del', source: ref }));
      const { uid } = (await read(claims, namespace, 'posing')).metadata;
      await suite.apply(aPoser(namespace, uid, suite.cluster.toolboxImage));
      await suite.cluster.kubectl([
        'wait',
        `pod/${podName(uid, 1)}`,
        '--for=jsonpath={.status.phase}=Succeeded',
        `--namespace=${namespace}`,
        '--timeout=60s',
      ]);
      const before = await read(pods, namespace, podName(uid, 1));
      controller.start();
      await until(
        'the record to tell of the pod',
        async () => (await statusOf('posing'))?.conditions?.find(({ type }) => type === 'Ready')?.reason,
        (reason) => reason === 'NameTaken',
      );
      expect((await statusOf('posing'))?.result).toBeUndefined();
      expect(written(await read(pods, namespace, podName(uid, 1)))).toEqual(written(before));
      await suite.cluster.kubectl(['delete', 'pvc', 'posing', `--namespace=${namespace}`, '--timeout=90s']);
      expect(await read(pods, namespace, podName(uid, 1))).toBeDefined();
      await suite.cluster.kubectl(['delete', 'pod', podName(uid, 1), `--namespace=${namespace}`, '--grace-period=1']);
    },
    TEST_MS,
  );
});

test(
  'after all attacks nothing is left',
  async () => {
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
  },
  TEST_MS,
);

function inProject(path: string): string {
  return readFileSync(join(projectDir, path), 'utf8');
}

function binding(role: string, user: string): NewObject {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: user, namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  };
}

/** A record in all that makes one, written by somebody who was given the right to. */
async function forge({ metadata }: Claim, status: PopulationStatus): Promise<void> {
  const { name, uid } = metadata;
  const spec = { sourceURL: `${suite.archives.url}/${name}`, extractPath: '/' };
  const record = aRecord(namespace, name, uid);
  await suite.apply({
    ...record,
    metadata: {
      ...record.metadata,
      finalizers: ['volprime.dev/protection'],
      labels: { 'volprime.dev/claim-uid': uid, 'app.kubernetes.io/managed-by': 'volprime' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, uid }],
    },
    spec: { ...(record['spec'] as object), pinned: { namespace, uid: 'forged', generation: 1, spec } },
  });
  const key = { namespace, name: populationName(uid) };
  const written = await suite.cluster.client.mergePatch(
    populations,
    key,
    { status: { observedGeneration: 1, ...status } },
    { subresource: 'status' },
  );
  expect(written.type).toBe('done');
}

/** A claim of another tenant that is in use, with its volume and what is in it. */
async function victimOf(other: string) {
  const helper = suite.controller({ name: other, namespaces: [other] });
  helper.start();
  const content = serve(suite, 'victim');
  const { source, ref } = providerOf(suite, other, 'victim', content.checksum);
  await suite.apply(source, aClaimManifest({ name: 'victim', namespace: other, storageClass: 'imm-del', source: ref }));
  const claim = await until('the victim to be bound', () => read(claims, other, 'victim'), isFullyBound);
  await expectNothingLeft(suite.cluster, other, () => helper.check());
  const volume = await read(volumes, undefined, claim.spec.volumeName ?? '');
  return { claim, volume, listing: content.listing };
}

/** A claim whose pod is held in the middle of its download, and that pod as it runs. */
async function podOf(name: string, metadata: object, spec: object) {
  const held = hold(suite, name);
  const claim = aClaimManifest({ name, namespace, storageClass: 'imm-del', source: providerRef(name) });
  await suite.apply(aProvider(namespace, name, { sourceURL: `${suite.archives.url}/${name}`, ...spec }), {
    ...claim,
    metadata: { ...claim.metadata, ...metadata },
  });
  const { uid } = (await read(claims, namespace, name)).metadata;
  await until(`the download of ${name} to begin`, () => downloads(suite, name) > 0);
  const pod = await until(
    `the address of the pod of ${name}`,
    async () => (await read(pods, namespace, podName(uid, 1))) as unknown as RunningPod,
    ({ status }) => status.podIP !== undefined,
  );
  return { ...held, name, uid, pod };
}

function read<T extends KubeObject>(resource: Resource<T>, inNamespace: string | undefined, name: string): Promise<T> {
  const key = { name, ...(inNamespace !== undefined && { namespace: inNamespace }) };
  return readObject(suite.cluster, resource, key);
}

async function statusOf(name: string): Promise<PopulationStatus | undefined> {
  controller.check();
  return (await recordOf(suite.cluster, await read(claims, namespace, name)))?.status;
}

async function failed(name: string): Promise<PopulationStatus> {
  const status = await until(
    `${name} to fail`,
    () => statusOf(name),
    (found) => found?.phase === 'Failed',
  );
  return status ?? {};
}

async function populated(name: string, listing: string | undefined): Promise<void> {
  await until(
    `${name} to be bound and at rest`,
    () => statusOf(name),
    (status) => status?.phase === 'Succeeded',
  );
  const found = await readBack(suite.cluster, namespace, [name]);
  if (listing !== undefined) expect(found).toEqual({ [name]: listing });
}

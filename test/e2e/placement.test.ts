/**
 * Who chooses the node of a volume, and what happens when that does not work: the scheduler chooses, the provisioner may refuse, nodes go,
 * pods wait and give up; what drivers publish of their capacity. docs/hazards.md, cases 29 to 34.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import type { Claim, NewObject } from '../../src/api/objects.ts';
import { claims } from '../../src/api/resources.ts';
import { clearFaults, driverName, impatientScheduler, limitPool, setFault } from '../cluster/index.ts';
import type { ApiProxy } from './harness/api-proxy.ts';
import { claimOf, readyOf, toldOf } from './harness/claims.ts';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, isFullyBound, listAll } from './harness/invariants.ts';
import { aClaimManifest, aConsumer, aWrapperClass } from './harness/manifests.ts';
import { recordOf } from './harness/objects.ts';
import { readBack } from './harness/read-back.ts';
import { downloads, hold, providerOf, serve } from './harness/sources.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const patchSchema = z.strictObject({ metadata: z.record(z.string(), z.unknown()) });

const TEST_MS = 6 * 60_000;
const MIB = 1024 * 1024;
const NO_ROOM = 'did not have enough free storage';
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

let suite: Suite;
let namespace: string;
let proxy: ApiProxy;
let controller: ControllerProcess;
/** Names of StorageClasses. */
const made: string[] = [];
beforeAll(async () => {
  suite = await openSuite();
  proxy = await suite.proxy();
  ({ namespace, controller } = await suite.lane('nodes', { proxy }));
  await makeClasses(...['wffc-del', 'local-path'].map((target) => wrapperOver(target)));
}, CLUSTER_UP_MS);
afterAll(async () => {
  await suite?.cluster.kubectl(['delete', 'storageclass', '--ignore-not-found', ...made]);
  await suite?.[Symbol.asyncDispose]();
}, SUITE_DOWN_MS);

describe('case 31: a node without space is handed back, not in a loop, and the volume is made when there is space again', () => {
  testTogether(
    [
      { name: 'full', storageClass: () => 'wffc-del' },
      { name: 'full-wrapped', storageClass: () => className('wffc-del') },
    ],
    async ({ name, storageClass }) => {
      const { embedded } = suite.cluster;
      if (embedded === undefined) return;
      const content = serve(suite, name);
      const claim = await aClaim(name, storageClass());
      const matchName = `volprime-${claim.metadata.uid}`;
      await setFault(embedded, { call: 'CreateVolume', matchName, failCode: 'RESOURCE_EXHAUSTED' });
      await suite.apply(consumerOf(name));
      const refused = await until(
        'the node to be refused three times',
        () => recordOf(suite.cluster, claim),
        (record) => (record?.status?.placement?.refusals ?? 0) >= 3,
      );
      const node = await nodeName();
      expect(refused?.status?.placement?.nodes).toEqual([node]);
      expect(refused?.status?.conditions).toContainEqual(
        expect.objectContaining({
          type: 'Ready',
          status: 'False',
          reason: expect.stringMatching(/WaitingForNode|Provisioning/),
        }),
      );
      await clearFaults(embedded, matchName);
      await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
      expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: content.listing });
      // Our finalizer twice, and the node once for each refusal; each may lose once to a write of the scheduler's.
      const refusals = (await recordOf(suite.cluster, claim))?.status?.placement?.refusals ?? 0;
      expect(writesTo(`persistentvolumeclaims/${name}`).length).toBeLessThanOrEqual(2 * (refusals + 2));
    },
    TEST_MS,
  );
});

describe('case 31: storage capacity that the driver publishes', () => {
  test(
    'keeps the scheduler from a node without room, and what is being populated there does not count twice in the end',
    async () => {
      const { embedded } = suite.cluster;
      if (embedded === undefined) return;
      const name = 'roomless';
      const pool = `${namespace}-${name}`;
      await limitPool(embedded, pool, 32 * MIB);
      await aPooledClass(pool);
      const held = hold(suite, name);
      const claim = await aClaim(name, pool);
      await suite.apply(impatient(consumerOf(name)));
      await until(
        'the scheduler to say that there is no room',
        () => scheduling(name),
        (says) => says.includes(NO_ROOM),
      );
      await until(
        'the record to say what is awaited',
        async () => readyOf((await recordOf(suite.cluster, claim))?.status)?.reason,
        (reason) => reason === 'WaitingForFirstConsumer',
      );
      expect(await claimNames()).not.toContain(`volprime-${claim.metadata.uid}`);
      expect((await readClaim(name)).metadata.annotations?.[SELECTED_NODE]).toBeUndefined();

      await limitPool(embedded, pool, 64 * MIB);
      await until('the download to begin', () => downloads(suite, name) > 0);
      // The prime has taken all the room, and the claim still asks for it.
      await givenUpOn(name);
      await until(
        'the pod to be refused for want of room',
        () => scheduling(name),
        (says) => says.includes(NO_ROOM),
      );
      held.gate.open();
      await expectUsedAtLast(name, held.listing);
      expect((await recordOf(suite.cluster, claim))?.status?.placement).toBeUndefined();
    },
    TEST_MS,
  );

  test(
    'is not asked for claims of a wrapper class: the provisioner refuses, the node is handed back, and the user is told where to read why',
    async () => {
      const { embedded } = suite.cluster;
      if (embedded === undefined) return;
      const name = 'roomless-wrapped';
      const pool = `${namespace}-roomless-target`;
      await limitPool(embedded, pool, 32 * MIB);
      await aPooledClass(pool);
      await makeClasses(wrapperOver(pool));
      const content = serve(suite, name);
      const claim = await aClaim(name, className(pool));
      await suite.apply(consumerOf(name));
      const prime = `volprime-${claim.metadata.uid}`;
      expect(await toldOf(suite, namespace, name, 'WaitingForNode')).toContain(
        `could not make the volume on node ${await nodeName()} (the events of the temporary claim ${prime} say why)`,
      );
      expect(await suite.cluster.kubectl(['events', `--namespace=${namespace}`, `--for=pvc/${prime}`])).toContain(
        `${64 * MIB} bytes requested, ${32 * MIB} available`,
      );
      await until(
        'the node to be refused again',
        async () => (await recordOf(suite.cluster, claim))?.status?.placement?.refusals ?? 0,
        (refusals) => refusals >= 2,
      );
      await limitPool(embedded, pool, 64 * MIB);
      await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
      expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: content.listing });
      expect(downloads(suite, name)).toBe(1);
    },
    TEST_MS,
  );
});

describe('case 32: a node that is gone does not keep the claim', () => {
  testTogether(
    [
      { name: 'ghost', target: 'wffc-del', note: 'the provisioner gives up on it' },
      { name: 'ghost-local', target: 'local-path', note: 'the provisioner holds on to it' },
    ],
    async ({ name, target }) => {
      const content = serve(suite, name);
      // What a scheduler left behind that chose a node just before it was removed.
      const claim = await aClaim(name, className(target), { [SELECTED_NODE]: 'node-that-was' });
      await suite.apply(consumerOf(name));
      await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
      expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: content.listing });
      const record = await recordOf(suite.cluster, claim);
      expect(record?.status?.placement?.nodes).toContain('node-that-was');
      expect((await readClaim(name)).metadata.annotations?.[SELECTED_NODE]).toBe(await nodeName());
    },
    TEST_MS,
  );

  test(
    'nor one that the scheduler chose and that is removed then',
    async () => {
      const [name, node] = ['removed', `${namespace}-removed`];
      const content = serve(suite, name);
      await aNode(node);
      const claim = await aClaim(name, className('wffc-del'));
      await suite.apply(preferring(consumerOf(name), node));
      await until(
        'the scheduler to choose the node',
        async () => (await readClaim(name)).metadata.annotations?.[SELECTED_NODE],
        (chosen) => chosen === node,
      );
      await suite.cluster.kubectl(['delete', 'node', node]);
      await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
      expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: content.listing });
      expect((await recordOf(suite.cluster, claim))?.status?.phase).toBe('Succeeded');
    },
    TEST_MS,
  );
});

test(
  'case 30: the prime follows the scheduler to another node as long as it has no volume',
  async () => {
    const name = 'moved';
    const content = serve(suite, name);
    const claim = await aClaim(name, className('local-path'), { [SELECTED_NODE]: 'first-choice' });
    const prime = () => suite.cluster.client.get(claims, { namespace, name: `volprime-${claim.metadata.uid}` });
    await until('the prime to have the first choice', prime, (found) => nodeOf(found) === 'first-choice');
    const node = await nodeName();
    const annotations = { [SELECTED_NODE]: node };
    await suite.cluster.client.mergePatch(claims, { namespace, name }, { metadata: { annotations } });
    await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
    expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: content.listing });
  },
  TEST_MS,
);

test(
  'cases 33 and 34: a pod that gives up waiting is scheduled in the end, nothing is downloaded twice, and the claim is not written to for progress',
  async () => {
    const name = 'slow';
    const held = hold(suite, name);
    const claim = await aClaim(name, 'wffc-del');
    await suite.apply(impatient(consumerOf(name)));
    await givenUpOn(name);
    await until(
      'progress to be told',
      async () => (await recordOf(suite.cluster, claim))?.status?.progress !== undefined,
    );
    held.gate.open();
    await expectUsedAtLast(name, held.listing);
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    // Finalizer on, finalizer off, and nothing else; a write that lost to the scheduler's is repeated.
    const written = writesTo(`persistentvolumeclaims/${name}`).map(({ body }) => fieldsOf(body));
    const [on, off] = [
      'finalizers kubernetes.io/pvc-protection,volprime.dev/populate-target-protection',
      'finalizers kubernetes.io/pvc-protection',
    ];
    expect(new Set(written)).toEqual(new Set([on, off]));
    expect(new Set(written.slice(written.indexOf(off)))).toEqual(new Set([off]));
  },
  TEST_MS,
);

test(
  'case 29: a consumer that goes after its node was chosen leaves a claim that is populated there, once, and waits for the next one',
  async () => {
    const name = 'left';
    const held = hold(suite, name);
    const claim = await aClaim(name, 'wffc-del');
    await suite.apply(consumerOf(name));
    await until('the download to begin', () => downloads(suite, name) > 0);
    await suite.cluster.kubectl(['delete', 'pod', `of-${name}`, `--namespace=${namespace}`, '--grace-period=0']);
    held.gate.open();
    await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
    expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: held.listing });
    expect(downloads(suite, name)).toBe(1);
    expect((await recordOf(suite.cluster, claim))?.status?.attempt).toBe(1);
  },
  TEST_MS,
);

function className(target: string): string {
  return `${namespace}-over-${target}`;
}

async function makeClasses(...classes: readonly NewObject[]): Promise<void> {
  made.push(...classes.flatMap(({ metadata }) => metadata.name ?? []));
  await suite.apply(...classes);
}

function wrapperOver(target: string): NewObject {
  return aWrapperClass({ name: className(target), target, binding: 'WaitForFirstConsumer' });
}

/** A claim with a source of the same name, as it was created. */
async function aClaim(name: string, storageClass: string, annotations: Record<string, string> = {}): Promise<Claim> {
  const { source, ref } = providerOf(suite, namespace, name);
  const manifest = aClaimManifest({ name, namespace, storageClass, source: ref });
  await suite.apply(source, { ...manifest, metadata: { ...manifest.metadata, annotations } });
  return readClaim(name);
}

function consumerOf(name: string): NewObject {
  return aConsumer({ name: `of-${name}`, namespace, image: suite.cluster.toolboxImage, claims: [name] });
}

/** Its scheduler gives up on volumes after five seconds. */
function impatient(pod: NewObject): NewObject {
  return { ...pod, spec: { ...(pod['spec'] as object), schedulerName: impatientScheduler } };
}

function ofPod(name: string, path: string): Promise<string> {
  return suite.cluster.kubectl(['get', 'pod', `of-${name}`, `--namespace=${namespace}`, `-o=jsonpath=${path}`]);
}

async function givenUpOn(name: string): Promise<void> {
  await until(
    'the scheduler to give up on the pod once',
    () => suite.cluster.kubectl(['events', `--namespace=${namespace}`, `--for=pod/of-${name}`]),
    (events) => events.includes('FailedScheduling') && events.includes('binding volumes'),
  );
}

/** What the scheduler says of the consumer now. */
function scheduling(name: string): Promise<string> {
  return ofPod(name, '{.status.conditions[?(@.type=="PodScheduled")].message}');
}

/** A class over a part of the driver's storage, once what is left there is published. */
async function aPooledClass(name: string): Promise<void> {
  await makeClasses({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: driverName,
    parameters: { pool: name },
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  await until(
    `the capacity of ${name} to be published`,
    () =>
      suite.cluster.kubectl([
        'get',
        'csistoragecapacities',
        '--all-namespaces',
        '-o=jsonpath={.items[*].storageClassName}',
      ]),
    (names) => names.split(' ').includes(name),
  );
}

async function claimNames(): Promise<string[]> {
  return (await listAll(suite.cluster, claims, namespace)).map(({ metadata }) => metadata.name);
}

/** The pod runs on that node rather than on another one, and nobody else's does. */
function preferring(pod: NewObject, node: string): NewObject {
  const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }];
  const preferredDuringSchedulingIgnoredDuringExecution = [{ weight: 100, preference: { matchExpressions } }];
  const placed = {
    affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution } },
    tolerations: [{ key: node, operator: 'Exists' }],
  };
  return { ...pod, spec: { ...(pod['spec'] as object), ...placed } };
}

/** A node in the API server only: no kubelet. */
async function aNode(name: string): Promise<void> {
  const { kubectl } = suite.cluster;
  await suite.apply({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: { taints: [{ key: name, effect: 'NoSchedule' }] },
  });
  const resources = { cpu: '64', memory: '64Gi', pods: '100', 'ephemeral-storage': '100Gi' };
  const conditions = [{ type: 'Ready', status: 'True', reason: 'Test', message: 'pretends' }];
  const status = JSON.stringify({ status: { conditions, capacity: resources, allocatable: resources } });
  await kubectl(['patch', 'node', name, '--subresource=status', '--type=merge', `--patch=${status}`]);
}

async function nodeName(): Promise<string> {
  const all = await suite.cluster.kubectl(['get', 'nodes', '-o=jsonpath={.items[*].metadata.name}']);
  return all.split(' ').find((name) => !name.startsWith(namespace)) ?? '';
}

function nodeOf(claim: Claim | undefined): string | undefined {
  return claim?.metadata.annotations?.[SELECTED_NODE];
}

function writesTo(path: string) {
  return proxy.writes.filter((write) => write.path.endsWith(`/namespaces/${namespace}/${path}`));
}

/** What a merge patch of metadata changes. */
function fieldsOf(body: string): string {
  const { metadata } = patchSchema.parse(JSON.parse(body));
  const { uid: _uid, resourceVersion: _version, ...fields } = metadata;
  return Object.entries(fields)
    .map(([field, value]) => `${field} ${String(value)}`)
    .join('; ');
}

function readClaim(name: string): Promise<Claim> {
  return claimOf(suite, namespace, name);
}

/** Bound after all, and its pod has run: with the data of one download. */
async function expectUsedAtLast(name: string, listing: string): Promise<void> {
  await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
  await until(
    'the pod to run and end',
    () => ofPod(name, '{.status.phase}'),
    (phase) => phase === 'Succeeded',
  );
  expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: listing });
  expect(downloads(suite, name)).toBe(1);
}

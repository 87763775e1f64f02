/**
 * Volumes that do not fit their claim, and claims that no volume is to be made for. docs/hazards.md, cases 13 to 15, 17, 38 and 39.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Claim, NewObject } from '../../src/api/objects.ts';
import { claims, volumes } from '../../src/api/resources.ts';
import { driverName, listVolumes } from '../cluster/index.ts';
import { claimOf } from './harness/claims.ts';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import { expectNothingLeft, isFullyBound } from './harness/invariants.ts';
import { aClaimManifest, type ClaimOptions } from './harness/manifests.ts';
import { read, recordOf } from './harness/objects.ts';
import { readBack } from './harness/read-back.ts';
import { downloads, providerOf, serve } from './harness/sources.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;

let suite: Suite;
let namespace: string;
/** VolumeAttributesClasses. */
let gold: string;
let silver: string;
let late: string;
beforeAll(async () => {
  suite = await openSuite();
  ({ namespace } = await suite.lane('unfit'));
  [gold, silver, late] = [`${namespace}-gold`, `${namespace}-silver`, `${namespace}-late`];
  await suite.apply(attributes(gold), attributes(silver));
}, CLUSTER_UP_MS);
afterAll(async () => {
  await suite?.cluster.kubectl([
    'delete',
    'volumeattributesclass',
    '--ignore-not-found',
    '--wait=false',
    gold,
    silver,
    late,
  ]);
  await suite?.[Symbol.asyncDispose]();
}, SUITE_DOWN_MS);

interface Unfit {
  readonly name: string;
  readonly shape: () => {
    readonly claim: Readonly<Record<string, unknown>>;
    /** What somebody's admission policy makes of the temporary claim: a field and its value. */
    readonly made: Mutation;
    readonly says: string;
  };
}
type Mutation = readonly [path: string, value: unknown];

describe('a volume that Kubernetes would refuse for the claim is not filled, told of once, and removed', () => {
  const unfit: readonly Unfit[] = [
    {
      name: 'case 13: access mode',
      shape: () => ({
        claim: { accessModes: ['ReadWriteMany'] },
        made: ['/spec/accessModes', ['ReadWriteOnce']],
        says: 'lacks the access mode ReadWriteMany',
      }),
    },
    {
      name: 'case 14: size',
      shape: () => ({
        claim: { resources: { requests: { storage: '80Mi' } } },
        made: ['/spec/resources/requests/storage', '16Mi'],
        says: 'holds 16Mi, the claim asks for 80Mi',
      }),
    },
    {
      name: 'case 15: volume mode',
      shape: () => ({
        claim: {},
        made: ['/spec/volumeMode', 'Block'],
        says: 'has volumeMode Block, the claim asks for Filesystem',
      }),
    },
    {
      name: 'case 15: attributes class',
      shape: () => ({
        claim: { volumeAttributesClassName: gold },
        made: ['/spec/volumeAttributesClassName', silver],
        says: `has the VolumeAttributesClass "${silver}", the claim asks for "${gold}"`,
      }),
    },
  ];

  testTogether(
    unfit,
    async ({ name: title, shape }) => {
      const { claim: more, made, says } = shape();
      const name = title.replace(/[: ]+/g, '-');
      const own = await suite.namespace(name);
      const itsController = suite.controller({ name: own, namespaces: [own] });
      const policy = `${own}-policy`;
      await suite.apply(...mutating(policy, own, made));
      try {
        await policyWorks(own);
        itsController.start();
        serve(suite, name);
        const { source, ref } = providerOf(suite, own, name);
        const manifest = aClaimManifest({ name, namespace: own, storageClass: 'imm-del', source: ref });
        await suite.apply(source, { ...manifest, spec: { ...(manifest['spec'] as object), ...more } });
        const claim = await read(suite.cluster, claims, { namespace: own, name });
        const record = await until(
          'the record to say what does not fit',
          () => recordOf(suite.cluster, claim),
          (found) => found?.status?.phase === 'Failed',
        );
        expect(record?.status?.lastError).toMatchObject({
          reason: 'VolumeRefused',
          message: expect.stringContaining(says),
          permanent: true,
        });
        await expectNothingLeft(suite.cluster, own, () => itsController.check());
        expect(downloads(suite, name)).toBe(0);
        expect((await recordOf(suite.cluster, claim))?.status?.failures).toBe(1);
      } finally {
        await suite.cluster.kubectl(['delete', 'mutatingadmissionpolicybinding,mutatingadmissionpolicy', policy]);
      }
    },
    TEST_MS,
  );
});

test(
  'case 15: a VolumeAttributesClass comes to the volume by way of the temporary claim, is waited for where it is missing, and fits the claim in the end',
  async () => {
    const name = 'with-attributes';
    const content = serve(suite, name);
    const { source, ref } = providerOf(suite, namespace, name);
    await suite.apply(source, withAttributes(name, gold, ref), withAttributes(`${name}-late`, late, ref));
    const bound = await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
    expect(bound.status).toMatchObject({ currentVolumeAttributesClassName: gold });
    const volume = await read(suite.cluster, volumes, { name: bound.spec.volumeName ?? '' });
    expect(volume.spec.volumeAttributesClassName).toBe(gold);
    const { embedded } = suite.cluster;
    if (embedded !== undefined) {
      const stored = (await listVolumes(embedded)).find(({ id }) => id === volume.spec.csi?.volumeHandle);
      expect(stored?.mutableParameters).toEqual({ tier: gold });
    }
    const waiting = await readClaim(`${name}-late`);
    await until(
      'the provisioner to miss the class',
      () => suite.cluster.kubectl(['events', `--namespace=${namespace}`, `--for=pvc/volprime-${waiting.metadata.uid}`]),
      (events) => events.includes(`"${late}" not found`),
    );
    await suite.apply(attributes(late));
    await until(`${name}-late to be bound`, () => readClaim(`${name}-late`), isFullyBound);
    const both = { [name]: content.listing, [`${name}-late`]: content.listing };
    expect(await readBack(suite.cluster, namespace, Object.keys(both))).toEqual(both);
  },
  TEST_MS,
);

describe('claims that no volume is made for', () => {
  test(
    'case 17: one that names its volume in advance is nobody’s to populate',
    async () => {
      const [name, volume] = ['in-advance', `${namespace}-by-hand`];
      serve(suite, name);
      const { source, ref } = providerOf(suite, namespace, name);
      const manifest = aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref });
      await suite.apply(source, { ...manifest, spec: { ...(manifest['spec'] as object), volumeName: volume } });
      await suite.apply(volumeByHand(volume));
      const claim = await until('the claim to be bound', () => readClaim(name), isFullyBound);
      // A claim that is made later and is populated shows that the controller has seen this one.
      await populate('after-that');
      expect(await recordOf(suite.cluster, claim)).toBeUndefined();
      expect((await readClaim(name)).metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
      expect(downloads(suite, name)).toBe(0);
      const events = await suite.cluster.kubectl(['events', `--namespace=${namespace}`, `--for=pvc/${name}`]);
      expect(events).not.toContain('Populat');
      await suite.cluster.kubectl(['delete', 'pvc', name, `--namespace=${namespace}`, '--timeout=30s']);
      await suite.cluster.kubectl(['delete', 'pv', volume, '--timeout=30s']);
    },
    TEST_MS,
  );

  test(
    'case 38: one without a class waits until the cluster has a default, and has exactly that one',
    async () => {
      const name = 'no-class';
      const content = serve(suite, name);
      const { source, ref } = providerOf(suite, namespace, name);
      const manifest = aClaimManifest({ name, namespace, storageClass: 'unset', source: ref });
      const { storageClassName: _, ...spec } = manifest['spec'] as Record<string, unknown>;
      await suite.apply(source, { ...manifest, spec });
      await until(
        'the record to say so',
        () => reasonOf(name),
        (reason) => reason === 'NoStorageClass',
      );
      const [first, second] = [`${namespace}-default`, `${namespace}-default-later`];
      await Promise.all([suite.copyClass('imm-del', first), suite.copyClass('imm-ret', second)]);
      try {
        await asDefault(first, 'true');
        await until('the claim to have a class', async () => (await readClaim(name)).spec.storageClassName);
        await asDefault(second, 'true');
        await asDefault(first, 'false');
        const claim = await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
        expect(claim.spec.storageClassName).toBe(first);
        const volume = await read(suite.cluster, volumes, { name: claim.spec.volumeName ?? '' });
        expect(volume.spec.storageClassName).toBe(first);
        expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: content.listing });
      } finally {
        await suite.cluster.kubectl(['delete', 'storageclass', first, second]);
      }
    },
    TEST_MS,
  );

  testTogether(
    [
      { name: 'case 39: the class "", which never provisions', storageClass: () => '', says: 'StaticVolumesOnly' },
      {
        name: 'case 39: an in-tree class',
        storageClass: () => `${namespace}-in-tree`,
        says: 'ProvisionerNotSupported',
      },
    ],
    async ({ storageClass: classOf, says }) => {
      const name = says.toLowerCase();
      const storageClass = classOf();
      if (storageClass !== '') await suite.apply(inTree(storageClass));
      serve(suite, name);
      const { source, ref } = providerOf(suite, namespace, name);
      await suite.apply(source, aClaimManifest({ name, namespace, storageClass, source: ref }));
      await until(
        'the record to say so',
        () => reasonOf(name),
        (reason) => reason === says,
      );
      expect((await readClaim(name)).metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
      await suite.cluster.kubectl(['delete', 'pvc', name, `--namespace=${namespace}`, '--timeout=30s']);
      if (storageClass !== '') await suite.cluster.kubectl(['delete', 'storageclass', storageClass]);
    },
    TEST_MS,
  );
});

/** Its name is its only parameter, so that the volume tells which one it has. */
function attributes(name: string): NewObject {
  const apiVersion = 'storage.k8s.io/v1';
  return {
    apiVersion,
    kind: 'VolumeAttributesClass',
    metadata: { name },
    driverName,
    parameters: { tier: name },
  };
}

function withAttributes(name: string, volumeAttributesClassName: string, source: ClaimOptions['source']): NewObject {
  const manifest = aClaimManifest({ name, namespace, storageClass: 'imm-del', source });
  return { ...manifest, spec: { ...(manifest['spec'] as object), volumeAttributesClassName } };
}

/** Somebody's policy for the temporary claims of one namespace. */
function mutating(name: string, own: string, [path, value]: Mutation): NewObject[] {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['persistentvolumeclaims'] };
  const labels = { 'kubernetes.io/metadata.name': own };
  return [
    {
      apiVersion,
      kind: 'MutatingAdmissionPolicy',
      metadata: { name },
      spec: {
        matchConstraints: { namespaceSelector: { matchLabels: labels }, resourceRules: [rule] },
        matchConditions: [{ name: 'temporary', expression: 'object.metadata.name.startsWith("volprime-")' }],
        mutations: [
          {
            patchType: 'JSONPatch',
            jsonPatch: { expression: `[JSONPatch{op: "add", path: "${path}", value: ${JSON.stringify(value)}}]` },
          },
          {
            patchType: 'ApplyConfiguration',
            applyConfiguration: {
              expression: 'Object{metadata: Object.metadata{annotations: {"test.example.com/mutated": "yes"}}}',
            },
          },
        ],
        failurePolicy: 'Fail',
        reinvocationPolicy: 'Never',
      },
    },
    { apiVersion, kind: 'MutatingAdmissionPolicyBinding', metadata: { name }, spec: { policyName: name } },
  ];
}

/** A policy takes a moment to be known to the API server. */
async function policyWorks(own: string): Promise<void> {
  const probe = {
    ...aClaimManifest({
      name: 'volprime-probe',
      namespace: own,
      storageClass: '',
      source: providerOf(suite, own, 'x').ref,
    }),
  };
  await until(
    'the policy to work',
    () =>
      suite.cluster.kubectl(
        ['create', '--dry-run=server', '--filename=-', '-o=jsonpath={.metadata.annotations}'],
        JSON.stringify(probe),
      ),
    (annotations) => annotations.includes('test.example.com/mutated'),
  );
}

function volumeByHand(name: string): NewObject {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '64Mi' },
      storageClassName: 'imm-del',
      persistentVolumeReclaimPolicy: 'Retain',
      claimRef: { namespace, name: 'in-advance' },
      hostPath: { path: '/tmp' },
    },
  };
}

function inTree(name: string): NewObject {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: 'kubernetes.io/no-provisioner',
  };
}

async function asDefault(name: string, value: string): Promise<void> {
  const note = `storageclass.kubernetes.io/is-default-class=${value}`;
  await suite.cluster.kubectl(['annotate', '--overwrite', 'storageclass', name, note]);
}

async function populate(name: string): Promise<void> {
  serve(suite, name);
  const { source, ref } = providerOf(suite, namespace, name);
  await suite.apply(source, aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref }));
  await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
}

async function reasonOf(name: string): Promise<string | undefined> {
  const record = await recordOf(suite.cluster, await readClaim(name));
  return record?.status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
}

function readClaim(name: string): Promise<Claim> {
  return claimOf(suite, namespace, name);
}

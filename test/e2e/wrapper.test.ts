/**
 * Wrapper classes: claims whose class names another one as its target. Every way to a volume (pod, calls, none, clone, snapshot), both binding
 * modes; what is told where a class cannot work; classes that change meanwhile. docs/hazards.md, cases 28, 36 to 39.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Claim, NewObject, Volume } from '../../src/api/objects.ts';
import { type Population, populations } from '../../src/api/population.ts';
import { volumes } from '../../src/api/resources.ts';
import { claimOf } from './harness/claims.ts';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, isFullyBound, leftovers, listAll, readNamespace } from './harness/invariants.ts';
import { aClaimManifest, aPlainClaim, aWrapperClass, type WrapperClassOptions } from './harness/manifests.ts';
import { readBack } from './harness/read-back.ts';
import { hold, downloads, providerOf, serve, transferOf } from './harness/sources.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
const made: string[] = [];
beforeAll(async () => {
  suite = await openSuite();
  ({ namespace, controller } = await suite.lane('wrapper'));
}, CLUSTER_UP_MS);
afterAll(async () => {
  if (made.length > 0) await suite.cluster.kubectl(['delete', 'storageclass', '--ignore-not-found', ...made]);
  await suite?.[Symbol.asyncDispose]();
}, SUITE_DOWN_MS);

interface Ending {
  readonly class: 'wrapper' | 'target';
  readonly policy: 'Delete' | 'Retain';
}
interface Shape extends Omit<WrapperClassOptions, 'name'> {
  readonly name: string;
  readonly ends: Ending;
}

const shapes: readonly Shape[] = [
  { name: 'now', target: 'imm-del', binding: 'Immediate', ends: { class: 'wrapper', policy: 'Delete' } },
  { name: 'waits', target: 'wffc-del', binding: 'WaitForFirstConsumer', ends: { class: 'wrapper', policy: 'Delete' } },
  {
    name: 'keeps',
    target: 'wffc-del',
    binding: 'WaitForFirstConsumer',
    reclaimPolicy: 'Retain',
    ends: { class: 'wrapper', policy: 'Retain' },
  },
  {
    name: 'gives',
    target: 'imm-ret',
    binding: 'Immediate',
    ends: { class: 'wrapper', policy: 'Delete' },
  },
  {
    name: 'as-target',
    target: 'imm-ret',
    binding: 'WaitForFirstConsumer',
    volumeClass: 'target',
    ends: { class: 'target', policy: 'Retain' },
  },
];

describe('claims of wrapper classes', () => {
  const all = shapes.flatMap((shape) =>
    ['pod', 'calls', 'plain'].map((way) => ({ way, shape, claim: `${shape.name}-${way}` })),
  );
  let read: Readonly<Record<string, string>>;
  let bound: ReadonlyMap<string, Volume>;
  beforeAll(async () => {
    await provide(...shapes.map((shape) => ({ ...shape, name: className(shape.name) })));
    await suite.apply(...all.flatMap(({ way, shape, claim }) => manifestsOf(way, claim, className(shape.name))));
    // The reader is the first consumer, too.
    read = await readBack(
      suite.cluster,
      namespace,
      all.map(({ claim }) => claim),
    );
    bound = new Map(await Promise.all(all.map(async ({ claim }) => [claim, await volumeOf(claim)] as const)));
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
  }, TEST_MS);

  test.each(all)('$claim holds its data', ({ way, claim }) => {
    expect(read[claim]).toBe(listingOf(way, claim));
  });

  test.each(all)('$claim ends with the class and the policy that its wrapper says', ({ shape, claim }) => {
    const volume = bound.get(claim);
    expect(volume?.spec).toMatchObject({
      storageClassName: shape.ends.class === 'wrapper' ? className(shape.name) : shape.target,
      persistentVolumeReclaimPolicy: shape.ends.policy,
    });
  });

  test(
    'can be cloned and restored from a snapshot, also in another wrapper',
    async () => {
      const source = 'now-pod';
      const snapshot = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 'taken' };
      await suite.apply(
        {
          apiVersion: 'snapshot.storage.k8s.io/v1',
          kind: 'VolumeSnapshot',
          metadata: { name: 'taken', namespace },
          spec: { volumeSnapshotClassName: 'csi-test', source: { persistentVolumeClaimName: source } },
        },
        withSource('cloned', className('waits'), { kind: 'PersistentVolumeClaim', name: source }),
        withSource('restored', className('now'), snapshot),
      );
      expect(await readBack(suite.cluster, namespace, ['cloned', 'restored'])).toEqual({
        cloned: read[source],
        restored: read[source],
      });
      await suite.cluster.kubectl(['delete', 'volumesnapshot', 'taken', `--namespace=${namespace}`]);
    },
    TEST_MS,
  );

  test(
    'have their volumes removed or kept with the claim, as the final class says',
    async () => {
      const names = all.map(({ claim }) => claim);
      await suite.cluster.kubectl(['delete', 'pvc', ...names, `--namespace=${namespace}`, '--timeout=60s']);
      const kept = all
        .filter(({ shape }) => shape.ends.policy === 'Retain')
        .map(({ claim }) => `${bound.get(claim)?.metadata.name} Released`)
        .sort();
      await until(
        'the volumes of the deleted claims to be removed or released',
        async () => {
          const left = (await readNamespace(suite.cluster, namespace)).volumes;
          return left
            .filter(({ spec }) => names.includes(spec.claimRef?.name ?? ''))
            .map(({ metadata, status }) => `${metadata.name} ${status?.phase}`)
            .sort();
        },
        (left) => left.join() === kept.join(),
      );
      // What was kept is the test's to remove.
      for (const volume of kept.map((line) => line.split(' ')[0] ?? ''))
        await suite.cluster.client.mergePatch(
          volumes,
          { name: volume },
          { spec: { persistentVolumeReclaimPolicy: 'Delete' } },
        );
    },
    TEST_MS,
  );
});

describe('a wrapper that cannot work is told of in plain words, and nothing is made', () => {
  interface Broken {
    readonly name: string;
    readonly wrapper: Omit<WrapperClassOptions, 'name'>;
    readonly says: { readonly reason: string; readonly message: string };
  }
  const broken: readonly Broken[] = [
    {
      name: 'no-target',
      wrapper: { target: undefined, binding: 'Immediate' },
      says: { reason: 'WrapperClassInvalid', message: 'targetClass is missing' },
    },
    {
      name: 'over-nothing',
      wrapper: { target: 'no-such-class', binding: 'Immediate' },
      says: { reason: 'TargetClassNotFound', message: 'no-such-class' },
    },
    {
      name: 'at-once-over-later',
      wrapper: { target: 'wffc-del', binding: 'Immediate' },
      says: { reason: 'WrapperClassInvalid', message: 'WaitForFirstConsumer' },
    },
  ];
  testTogether(
    broken,
    async ({ name, wrapper, says }) => {
      await provide({ ...wrapper, name: className(name) });
      await suite.apply(
        ...manifestsOf('pod', name, className(name)),
        aPlainClaim(namespace, `${name}-plain`, className(name)),
      );
      for (const claim of [name, `${name}-plain`]) {
        const record = await until(
          `the record of ${claim} to say why`,
          () => recordOf(claim),
          (found) => ready(found) !== undefined,
        );
        expect(ready(record)).toMatchObject({
          ...says,
          message: expect.stringContaining(says.message),
          status: 'False',
        });
        expect((await readClaim(claim)).metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
      }
      const mine = await until('the event on the claim', async () => {
        const events = await suite.cluster.kubectl([
          'events',
          `--namespace=${namespace}`,
          `--for=pvc/${name}`,
          '--types=Warning',
        ]);
        return events.includes(says.reason);
      });
      expect(mine).toBe(true);
      await suite.cluster.kubectl([
        'delete',
        'pvc',
        name,
        `${name}-plain`,
        `--namespace=${namespace}`,
        '--timeout=30s',
      ]);
    },
    TEST_MS,
  );
});

test(
  'case 36: a target class that comes later is waited for',
  async () => {
    const target = className('later-target');
    await provide({ name: className('later'), target, binding: 'Immediate' });
    await suite.apply(...manifestsOf('pod', 'later', className('later')));
    await until(
      'the record to say what is missing',
      () => recordOf('later'),
      (found) => ready(found)?.reason === 'TargetClassNotFound',
    );
    expect(leftovers(await onlyOf('later'))).toEqual([]);
    made.push(target);
    await suite.copyClass('imm-del', target);
    await expectData('later');
  },
  TEST_MS,
);

test(
  'case 37: a wrapper that is deleted and made anew with another target changes nothing for what has begun',
  async () => {
    const name = className('changing');
    await provide({ name, target: 'imm-del', binding: 'Immediate' });
    const held = hold(suite, 'changing');
    const { source, ref } = providerOf(suite, namespace, 'changing');
    await suite.apply(source, aClaimManifest({ name: 'changing', namespace, storageClass: name, source: ref }));
    await until('the download to begin', () => downloads(suite, 'changing') > 0);
    await suite.cluster.kubectl(['delete', 'storageclass', name]);
    await provide({ name, target: 'imm-ret', reclaimPolicy: 'Retain', binding: 'Immediate', volumeClass: 'target' });
    held.gate.open();
    await until('changing to be bound', () => readClaim('changing'), isFullyBound);
    expect(await readBack(suite.cluster, namespace, ['changing'])).toEqual({ changing: held.listing });
    expect((await volumeOf('changing')).spec).toMatchObject({
      storageClassName: name,
      persistentVolumeReclaimPolicy: 'Delete',
    });
  },
  TEST_MS,
);

test(
  'case 37: a claim is deleted although wrapper and target are gone',
  async () => {
    const [name, target] = [className('gone'), className('gone-target')];
    made.push(target);
    await suite.copyClass('imm-ret', target);
    await provide({ name, target, binding: 'Immediate' });
    hold(suite, 'gone');
    const { source, ref } = providerOf(suite, namespace, 'gone');
    await suite.apply(source, aClaimManifest({ name: 'gone', namespace, storageClass: name, source: ref }));
    await until('the download to begin', () => downloads(suite, 'gone') > 0);
    await suite.cluster.kubectl(['delete', 'storageclass', name, target]);
    await suite.cluster.kubectl(['delete', 'pvc', 'gone', `--namespace=${namespace}`, '--timeout=60s']);
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
  },
  TEST_MS,
);

function className(name: string): string {
  return `${namespace}-${name}`;
}

async function provide(...classes: readonly WrapperClassOptions[]): Promise<void> {
  made.push(...classes.map(({ name }) => name));
  await suite.apply(...classes.map(aWrapperClass));
}

function manifestsOf(way: string, claim: string, storageClass: string): NewObject[] {
  if (way === 'plain') return [aPlainClaim(namespace, claim, storageClass)];
  if (way === 'pod') serve(suite, claim);
  const { source, ref } = way === 'pod' ? providerOf(suite, namespace, claim) : transferOf(namespace, claim);
  return [source, aClaimManifest({ name: claim, namespace, storageClass, source: ref })];
}

function listingOf(way: string, claim: string): string {
  if (way === 'plain') return '';
  return way === 'pod' ? serve(suite, claim).listing : suite.transfers.listing(claim);
}

function withSource(name: string, storageClass: string, dataSource: object): NewObject {
  const plain = aPlainClaim(namespace, name, storageClass);
  return { ...plain, spec: { ...(plain['spec'] as object), dataSource } };
}

async function expectData(name: string): Promise<void> {
  await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
  expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: serve(suite, name).listing });
}

/** What concerns this claim alone: others may be at work beside it. */
async function onlyOf(name: string) {
  const { uid } = (await readClaim(name)).metadata;
  const state = await readNamespace(suite.cluster, namespace);
  const concerns = ({ metadata }: { readonly metadata: Claim['metadata'] }) =>
    metadata.uid === uid || metadata.name.includes(uid);
  return {
    ...state,
    claims: state.claims.filter(concerns),
    pods: state.pods.filter(concerns),
    populations: state.populations.filter(concerns),
    volumes: [],
    stored: [],
  };
}

function readClaim(name: string): Promise<Claim> {
  return claimOf(suite, namespace, name);
}

async function recordOf(name: string): Promise<Population | undefined> {
  const records = await listAll(suite.cluster, populations, namespace);
  return records.find(({ spec }) => spec.claim.name === name);
}

function ready(record: Population | undefined) {
  return record?.status?.conditions?.find(({ type }) => type === 'Ready');
}

async function volumeOf(name: string): Promise<Volume> {
  const claim = await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
  const volume = await suite.cluster.client.get(volumes, { name: claim.spec.volumeName ?? '' });
  if (volume === undefined) throw new Error(`the volume of ${name} is not there`);
  return volume;
}

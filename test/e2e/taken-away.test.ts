/**
 * What a population stands on is taken away: the prime, by request and by force, and the volume, at each stage and under both reclaim
 * policies. Whatever was half-written is gone from the storage too, and what was handed over stays.
 */
import { describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { podName, primeName } from '../../src/api/names.ts';
import type { Claim } from '../../src/api/objects.ts';
import { claims, pods, volumes } from '../../src/api/resources.ts';
import { claimOf, expectPopulated, podAtWork, warningsAbout, type Work } from './harness/claims.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { crashInLanes, lanePopulated } from './harness/crash-lanes.ts';
import { expectNothingLeft, isFullyBound, leftovers, listAll, readNamespace } from './harness/invariants.ts';
import { aClaimManifest } from './harness/manifests.ts';
import { read, recordOf, remove, stripFinalizers } from './harness/objects.ts';
import { readBack } from './harness/read-back.ts';
import { transferOf } from './harness/sources.ts';
import { type Lane, type Suite, useSuite } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;
const policies = ['imm-del', 'imm-ret'] as const;

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
useSuite(async (opened) => {
  suite = opened;
  ({ namespace, controller } = await suite.lane('taken'));
});

interface Theft {
  readonly what: string;
  /** Under Retain too (the default), or what a class retains stays: Kubernetes' rule for a volume that a person deletes. */
  readonly under?: readonly (typeof policies)[number][];
  readonly take: (work: Work) => Promise<void>;
}

const thefts: readonly Theft[] = [
  { what: 'case 21: the prime', take: ({ claim }) => remove(suite.cluster, claims, primeKey(claim)) },
  { what: 'case 22: the prime, by force', take: ({ claim }) => removeByForce(claim) },
  {
    what: 'case 23: the volume',
    under: ['imm-del'],
    take: async ({ claim }) => deleteVolume(await volumeOfPrime(claim)),
  },
  {
    what: 'case 50: the populator pod',
    take: async ({ claim }) => {
      const key = { namespace, name: podName(claim.metadata.uid, 1) };
      await remove(suite.cluster, pods, key);
      await until('the pod to be gone', async () => (await suite.cluster.client.get(pods, key)) === undefined);
    },
  },
  {
    what: 'case 50: the populator pod, by force',
    take: async ({ claim }) => {
      const name = podName(claim.metadata.uid, 1);
      await stripFinalizers(suite.cluster, pods, { namespace, name });
      await suite.cluster.kubectl(['delete', 'pod', name, '--force', `--namespace=${namespace}`]);
    },
  },
];

describe('what is taken away during the download is made again, on a clean volume', () => {
  testTogether(
    policies.flatMap((storageClass) =>
      thefts
        .filter(({ under = policies }) => under.includes(storageClass))
        .map((theft) => ({ ...theft, storageClass, name: `${theft.what} (${storageClass})` })),
    ),
    async ({ name, storageClass, take }) => {
      const work = await podAtWork(suite, namespace, name.replaceAll(/[^a-z0-9]+/g, '-').replace(/-$/, ''), {
        storageClass,
      });
      const { volumeName = '' } = (await read(suite.cluster, claims, primeKey(work.claim))).spec;
      await take(work);
      work.gate.open();
      await expectPopulated(suite, { namespace, controller }, { [work.claim.metadata.name]: work.listing });
      expect((await recordOf(suite.cluster, work.claim))?.status?.attempt).toBe(2);
      const final = await volumeOf(work.claim);
      expect(final.spec.persistentVolumeReclaimPolicy).toBe(storageClass === 'imm-ret' ? 'Retain' : 'Delete');
      // The half-written one is gone, and so is its storage, unless the pod could not say that it was empty.
      const unknown = storageClass === 'imm-ret' && name.includes('the populator pod, by force');
      if (final.metadata.name !== volumeName && !unknown)
        await until(
          `volume ${volumeName} to be gone`,
          async () => (await suite.cluster.client.get(volumes, { name: volumeName })) === undefined,
        );
    },
    TEST_MS,
  );

  test(
    'and nothing else is left in the storage',
    async () => expectNothingLeft(suite.cluster, namespace, () => controller.check()),
    TEST_MS,
  );
});

/** The controller dies at a stage; while it is down, this is done. */
const stages = [
  { label: 'case 21: the prime, before the work', point: 'before-StartAttempt', take: takePrime },
  { label: 'case 22: the prime by force, before the work', point: 'before-StartAttempt', take: removeByForce },
  { label: 'case 23: the volume, before the work', point: 'before-StartAttempt', take: takeVolume },
  { label: 'case 23: the volume, when its data is verified', point: 'after-RecordResult', take: takeVolume },
  { label: 'case 22: the prime by force, when the data is verified', point: 'after-RecordResult', take: removeByForce },
  { label: 'case 19: the claimRef, for another claim', point: 'after-RecordResult', take: misleadClaimRef },
  { label: 'case 21: the prime, when the volume is handed over', point: 'after-Rebind', take: takePrime },
  { label: 'case 23: the volume, when it is handed over', point: 'after-Rebind', take: takeVolumeOfClaim },
  { label: 'case 23: the volume, when the prime is gone', point: 'after-ReleasePrime', take: takeVolumeOfClaim },
] as const;

describe('what is taken away while the controller is down', () => {
  test(
    'cases 19, 21, 22, 23: is made again before the hand-over and kept after it, under both policies',
    async () => {
      const cases = policies.flatMap((storageClass) =>
        stages
          // Nobody can look into a volume that no pod mounts: what its class retains is not removed against its policy.
          .filter(({ take }) => storageClass === 'imm-del' || (take !== takeVolume && take !== misleadClaimRef))
          .map(({ label, point, take }) => ({
            name: `${label.replaceAll(/[^a-z0-9]+/g, '-')}-${storageClass}`,
            point,
            take,
            storageClass,
          })),
      );
      const lanes = await crashInLanes(suite, {
        label: 'taken-lanes',
        storageClass: ({ name }) => (name.endsWith('imm-ret') ? 'imm-ret' : 'imm-del'),
        cases,
        sourceOf: (inNamespace, { name }) => transferOf(inNamespace, name),
        meanwhile: async (lane: Lane, { name }) => {
          const claim = await read(suite.cluster, claims, { namespace: lane.namespace, name });
          await cases.find((theCase) => theCase.name === name)?.take(claim);
        },
      });
      const contents = await Promise.all(lanes.map((lane) => lanePopulated(suite, lane)));
      const listing = Object.fromEntries(cases.map(({ name }) => [name, suite.transfers.listing(name)]));
      expect(Object.assign({}, ...contents)).toEqual(listing);
      expect(suite.transfers.violations).toEqual([]);
    },
    TEST_MS,
  );
});

test(
  'case 23: a volume that is handed over, and deleted before the claim is bound to it: the claim gets another one, under both policies',
  async () => {
    const cases = policies.map((storageClass) => ({
      name: `unbound-${storageClass}`,
      point: 'before-Rebind',
      storageClass,
    }));
    const lanes = await crashInLanes(suite, {
      label: 'unbound',
      storageClass: ({ name }) => name.replace('unbound-', ''),
      cases,
      sourceOf: (inNamespace, { name }) => transferOf(inNamespace, name),
      meanwhile: async (lane, { name }) => makeUnbindable(await claimOf(suite, lane.namespace, name)),
    });
    await Promise.all(
      lanes.map(async (lane, index) => {
        const { name, storageClass } = cases[index] ?? { name: '', storageClass: '' };
        const claim = await claimOf(suite, lane.namespace, name);
        const lost = await until('the volume to be handed over', async () =>
          (await listAll(suite.cluster, volumes)).find(({ spec }) => spec.claimRef?.uid === claim.metadata.uid),
        );
        await deleteVolume(lost?.metadata.name ?? '');
        await expectPopulated(suite, lane, { [name]: suite.transfers.listing(name) });
        expect(await warningsAbout(suite, lane.namespace, name)).toEqual(['VolumeLost']);
        // Who deletes a volume that its class retains keeps its storage: the rule of Kubernetes.
        const kept = storageClass === 'imm-ret' && suite.cluster.embedded !== undefined;
        await until(
          `the lost volume of ${name} to be gone`,
          async () => leftovers(await readNamespace(suite.cluster, lane.namespace)),
          (left) => isDeepStrictEqual(left, kept ? [`stored volume ${lost?.spec.csi?.volumeHandle}`] : []),
        );
      }),
    );
  },
  TEST_MS,
);

test(
  'case 19: a volume whose claimRef was cleared when its data was verified: the claim gets it, or a new one, or is told that it is bound elsewhere',
  async () => {
    const own = await suite.namespace('cleared');
    // Alone in its class: a volume that names nobody is anybody's.
    await suite.copyClass('imm-del', own);
    const onCrash = async () => clearClaimRef(await read(suite.cluster, claims, { namespace: own, name: 'data' }));
    const disturbed = suite.controller({ name: own, namespaces: [own], onCrash });
    disturbed.start();
    const { source, ref } = transferOf(own, own);
    const claim = { name: 'data', namespace: own, storageClass: own, source: ref, crashAt: 'after-RecordResult' };
    await suite.apply(source, aClaimManifest(claim));
    const ended = await until(
      'the population to end',
      async () => {
        disturbed.check();
        return (await recordOf(suite.cluster, await read(suite.cluster, claims, { namespace: own, name: 'data' })))
          ?.status;
      },
      (status) => status?.phase === 'Succeeded' || status?.phase === 'Failed',
    );
    // Kubernetes gives a volume that names nobody to whoever waits: if that is our claim before we look, it is not our doing.
    if (ended?.phase === 'Failed') expect(ended.lastError?.reason).toBe('BoundElsewhere');
    await expectNothingLeft(suite.cluster, own, () => disturbed.check());
    expect(disturbed.marks()).toHaveLength(1);
    expect(await readBack(suite.cluster, own, ['data'])).toEqual({ data: suite.transfers.listing(own) });
    await suite.cluster.kubectl(['delete', 'storageclass', own]);
  },
  TEST_MS,
);

function primeKey({ metadata }: Claim) {
  return { namespace: metadata.namespace ?? '', name: primeName(metadata.uid) };
}

async function takePrime(claim: Claim): Promise<void> {
  await remove(suite.cluster, claims, primeKey(claim));
}

async function removeByForce(claim: Claim): Promise<void> {
  await stripFinalizers(suite.cluster, claims, primeKey(claim));
  await remove(suite.cluster, claims, primeKey(claim));
}

async function takeVolume(claim: Claim): Promise<void> {
  await deleteVolume(await volumeOfPrime(claim));
}

/** Once Kubernetes has bound the claim to it. */
async function takeVolumeOfClaim({ metadata: { namespace: own, name } }: Claim): Promise<void> {
  const key = { namespace: own, name };
  const bound = await until('the claim to be bound', () => read(suite.cluster, claims, key), isFullyBound);
  await deleteVolume(bound.spec.volumeName ?? '');
}

async function clearClaimRef(claim: Claim): Promise<void> {
  const key = { name: await volumeOfPrime(claim) };
  await suite.cluster.client.mergePatch(volumes, key, { spec: { claimRef: null } });
}

async function misleadClaimRef(claim: Claim): Promise<void> {
  const key = { name: await volumeOfPrime(claim) };
  const claimRef = { name: 'nobody', uid: randomUUID(), resourceVersion: null };
  await suite.cluster.client.mergePatch(volumes, key, { spec: { claimRef } });
}

/** Kubernetes binds no claim to a volume that is smaller than its request. */
async function makeUnbindable(claim: Claim): Promise<void> {
  const key = { name: await volumeOfPrime(claim) };
  await suite.cluster.client.mergePatch(volumes, key, { spec: { capacity: { storage: '1Ki' } } });
}

async function volumeOfPrime(claim: Claim): Promise<string> {
  return (await read(suite.cluster, claims, primeKey(claim))).spec.volumeName ?? '';
}

async function deleteVolume(name: string): Promise<void> {
  await suite.cluster.kubectl(['delete', 'pv', name, '--wait=false']);
}

async function volumeOf(claim: Claim) {
  const { spec } = await read(suite.cluster, claims, claim.metadata);
  return read(suite.cluster, volumes, { name: spec.volumeName ?? '' });
}

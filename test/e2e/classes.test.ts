/** Binding modes and reclaim policies: the claim ends with a volume like any other's of its class. docs/hazards.md, cases 24 to 28. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Claim, Volume } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { volumes } from '../../src/api/resources.ts';
import { claimOf } from './harness/claims.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, isFullyBound, leftovers, readNamespace } from './harness/invariants.ts';
import { aClaimManifest, aConsumer, aPlainClaim } from './harness/manifests.ts';
import { readBack } from './harness/read-back.ts';
import { providerOf, serve } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;

const classes = [
  { storageClass: 'imm-del', policy: 'Delete', waits: false },
  { storageClass: 'imm-ret', policy: 'Retain', waits: false },
  { storageClass: 'wffc-del', policy: 'Delete', waits: true },
  { storageClass: 'wffc-ret', policy: 'Retain', waits: true },
] as const;

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
useSuite(async (opened) => {
  suite = opened;
  ({ namespace, controller } = await suite.lane('classes'));
});

describe('cases 24, 25 and 27: a populated claim of each class', () => {
  let populated: ReadonlyMap<string, Volume>;
  let plain: ReadonlyMap<string, Volume>;
  let read: Readonly<Record<string, string>>;
  beforeAll(async () => {
    const names = classes.map(({ storageClass }) => storageClass);
    const plainNames = names.map((name) => `plain-${name}`);
    const image = suite.cluster.toolboxImage;
    await suite.apply(
      ...names.map((name) => providerOf(suite, namespace, name, serve(suite, name).checksum).source),
      ...names.map((name) => aClaimManifest({ ...providerClaim(name), storageClass: name })),
      ...names.map((name) => aPlainClaim(namespace, `plain-${name}`, name)),
      aConsumer({ name: 'plain', namespace, image, claims: plainNames }),
    );
    // The reader is the first consumer, too.
    read = await readBack(suite.cluster, namespace, names);
    populated = new Map(await Promise.all(names.map(async (name) => [name, await volumeOf(name)] as const)));
    plain = new Map(await Promise.all(names.map(async (name) => [name, await volumeOf(`plain-${name}`)] as const)));
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
  }, TEST_MS);

  test.each(classes)('$storageClass holds the data', ({ storageClass }) => {
    expect(read[storageClass]).toBe(serve(suite, storageClass).listing);
  });

  test.each(classes)(
    '$storageClass has a volume with the policy $policy and all that a plain one has',
    ({ storageClass, policy }) => {
      const volume = populated.get(storageClass);
      expect(volume?.spec.persistentVolumeReclaimPolicy).toBe(policy);
      expect(looks(volume)).toEqual(looks(plain.get(storageClass)));
    },
  );

  test.each(classes)('$storageClass has a claim on which nothing of ours is left', async ({ storageClass }) => {
    const [ours, other] = await Promise.all([readClaim(storageClass), readClaim(`plain-${storageClass}`)]);
    expect(ours.metadata.finalizers).toEqual(other.metadata.finalizers);
    expect(Object.keys(ours.metadata.annotations ?? {}).filter((key) => key.includes('volprime'))).toEqual([]);
    expect(ours.metadata.labels).toEqual(other.metadata.labels);
  });

  test(
    'has its volume removed or kept with the claim, as its class says',
    async () => {
      const names = classes.map(({ storageClass }) => storageClass);
      await suite.cluster.kubectl(['delete', 'pvc', ...names, `--namespace=${namespace}`, '--timeout=60s']);
      const kept = classes
        .filter(({ policy }) => policy === 'Retain')
        .map(({ storageClass }) => populated.get(storageClass)?.metadata.name)
        .sort((a = '', b = '') => a.localeCompare(b));
      await until(
        'the volumes of the deleted claims to be removed or released',
        async () => {
          const all = (await readNamespace(suite.cluster, namespace)).volumes;
          const left = all.filter(({ spec }) => names.some((name) => name === spec.claimRef?.name));
          return left.map(({ metadata, status }) => `${metadata.name} ${status?.phase}`).sort();
        },
        (left) => left.join() === kept.map((name) => `${name} Released`).join(),
      );
    },
    TEST_MS,
  );
});

test(
  'case 28: a claim whose class waits for a consumer says so, is healthy, and has nothing made for it',
  async () => {
    serve(suite, 'lonely');
    await suite.apply(providerOf(suite, namespace, 'lonely').source);
    await suite.apply(aClaimManifest({ ...providerClaim('lonely'), storageClass: 'wffc-ret' }));
    const record = await until('the record to say what is awaited', async () => {
      const { items } = await suite.cluster.client.listPage(populations, { namespace });
      return items.find(({ spec, status }) => spec.claim.name === 'lonely' && status?.conditions !== undefined);
    });
    expect(record?.status?.conditions).toEqual([
      expect.objectContaining({ type: 'Ready', status: 'False', reason: 'WaitingForFirstConsumer' }),
    ]);
    const state = await readNamespace(suite.cluster, namespace);
    expect(leftovers({ ...state, volumes: [], stored: [] })).toEqual([]);
    const before = await readClaim('lonely');
    await suite.cluster.kubectl(['delete', 'pvc', 'lonely', `--namespace=${namespace}`, '--timeout=30s']);
    expect(before.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
  },
  TEST_MS,
);

function providerClaim(name: string) {
  return { name, namespace, source: providerOf(suite, namespace, name).ref };
}

/** What a volume has whoever it was made for. */
function looks(volume: Volume | undefined) {
  const { finalizers, annotations = {}, labels } = volume?.metadata ?? {};
  const foreign = Object.entries(annotations).filter(([key]) => !key.startsWith('volprime.dev/'));
  const { claimRef, csi, capacity, ...spec } = volume?.spec ?? {};
  return {
    finalizers,
    annotations: Object.fromEntries(foreign),
    labels,
    spec,
    driver: csi?.driver,
    capacity,
    claim: Object.keys(claimRef ?? {}).filter((key) => key !== 'resourceVersion'),
    phase: volume?.status?.phase,
  };
}

function readClaim(name: string): Promise<Claim> {
  return claimOf(suite, namespace, name);
}

async function volumeOf(name: string): Promise<Volume> {
  const claim = await until(`${name} to be bound`, () => readClaim(name), isFullyBound);
  const volume = await suite.cluster.client.get(volumes, { name: claim.spec.volumeName ?? '' });
  if (volume === undefined) throw new Error(`the volume of ${name} is not there`);
  return volume;
}

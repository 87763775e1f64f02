/**
 * An attacker who knows every UID, may read everything and edits his own namespace: objects that copy each name, label, annotation, owner and
 * finalizer of ours change nothing that happens.
 */
import { describe, expect, test } from '@jest/globals';
import { podName, primeName } from '../../src/api/names.ts';
import type { Claim, NewObject, OwnerReference } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { proofFor } from '../../src/api/proof.ts';
import { claims, pods, volumes } from '../../src/api/resources.ts';
import { aPoser, written } from './harness/attacks.ts';
import { expectPopulated, podAtWork, readyOf } from './harness/claims.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, isFullyBound } from './harness/invariants.ts';
import { aClaimManifest, aPlainClaim } from './harness/manifests.ts';
import { read, recordOf } from './harness/objects.ts';
import { downloads, providerOf, serve } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;
const NEVER = 'mallory.example.com/never';

let suite: Suite;
let victim: string;
let mallory: string;
let controller: ControllerProcess;
useSuite(async (opened) => {
  suite = opened;
  victim = await suite.namespace('alike-victim');
  mallory = await suite.namespace('alike-mallory');
  controller = suite.controller({ name: victim, namespaces: [victim, mallory] });
  controller.start();
});

describe('pods of another namespace that report success', () => {
  test.each([
    ['under another name', (uid: string) => `x-${uid.slice(0, 8)}`, []],
    ['under the very name', (uid: string) => podName(uid, 1), []],
    ['with a finalizer that stays', (uid: string) => podName(uid, 2), [NEVER]],
  ] as const)(
    '%s change nothing for a claim whose pod is at work, nor hold it up when it is deleted',
    async (what, nameOf, finalizers) => {
      const name = `work-${what.length}`;
      const work = await podAtWork(suite, victim, name);
      const { uid } = work.claim.metadata;
      const real = await read(suite.cluster, pods, { namespace: victim, name: podName(uid, 1) });
      const forged = await alike(work.claim, nameOf(uid), finalizers);
      await suite.apply(forged);
      const key = { namespace: mallory, name: nameOf(uid) };
      await until(
        'the forged pod to have ended',
        () => read(suite.cluster, pods, key),
        ({ status }) => status?.phase === 'Succeeded',
      );
      const before = await read(suite.cluster, pods, key);
      // The progress that is read from the real pod's log shows that the controller has looked since.
      const seen = (await recordOf(suite.cluster, work.claim))?.status?.progress?.updatedAt;
      await until(
        'the controller to look again',
        () => recordOf(suite.cluster, work.claim),
        (record) => record?.status?.progress?.updatedAt !== seen,
      );
      const after = await read(suite.cluster, pods, { namespace: victim, name: podName(uid, 1) });
      expect(after.metadata).toMatchObject({ uid: real.metadata.uid });
      expect(after.metadata.deletionTimestamp).toBeUndefined();
      expect((await recordOf(suite.cluster, work.claim))?.status).toMatchObject({ phase: 'Populating', attempt: 1 });
      work.gate.open();
      await expectPopulated(suite, { namespace: victim, controller }, { [name]: work.listing });
      expect(downloads(suite, `${victim}-${name}`)).toBe(1);
      expect(written(await read(suite.cluster, pods, key))).toEqual(written(before));
      await suite.cluster.kubectl(['delete', 'pvc', name, `--namespace=${victim}`, '--timeout=90s']);
      await release(key.name, finalizers.length > 0);
    },
    TEST_MS,
  );
});

describe('a claim with the name and all marks of a prime, which its tenant filled before', () => {
  test(
    'keeps its volume under Retain, and is reported',
    async () => {
      const content = serve(suite, 'alike-later');
      const { source, ref } = providerOf(suite, victim, 'alike-later', content.checksum);
      // Made before the record exists, as data of months would be.
      const own = aPlainClaim(victim, 'precious', 'imm-ret');
      await suite.apply(
        own,
        aClaimManifest({ name: 'alike-later', namespace: victim, storageClass: 'imm-ret', source: ref }),
      );
      const claim = await read(suite.cluster, claims, { namespace: victim, name: 'alike-later' });
      const bound = await until(
        'the claim to be bound',
        () => read(suite.cluster, claims, { namespace: victim, name: 'precious' }),
        isFullyBound,
      );
      const volume = bound.spec.volumeName ?? '';
      const record = await until(
        'the record to wait for the source',
        () => recordOf(suite.cluster, claim),
        (found) => readyOf(found?.status)?.reason === 'PopulatorDataSourceNotFound',
      );
      // The volume comes to a claim with the prime's name: the first claim goes, the volume is freed for the second by an administrator.
      await suite.cluster.kubectl(['delete', 'pvc', 'precious', `--namespace=${victim}`]);
      const name = primeName(claim.metadata.uid);
      await until(
        'the volume to be released',
        () => read(suite.cluster, volumes, { name: volume }),
        ({ status }) => status?.phase === 'Released',
      );
      await suite.cluster.kubectl([
        'patch',
        'pv',
        volume,
        '--type=json',
        '-p=[{"op":"remove","path":"/spec/claimRef"}]',
      ]);
      const plain = aPlainClaim(victim, name, 'imm-ret');
      await suite.apply({
        ...plain,
        metadata: { ...plain.metadata, ...marks(record?.metadata.uid ?? ''), ownerReferences: [] },
        spec: { ...(plain['spec'] as object), volumeName: volume },
      });
      const forged = await until(
        'the forged claim to be bound',
        () => read(suite.cluster, claims, { namespace: victim, name }),
        isFullyBound,
      );
      await suite.apply(source);
      await until(
        'the record to name the forged claim',
        () => recordOf(suite.cluster, claim),
        (found) => readyOf(found?.status)?.reason === 'NameTaken',
      );
      expect(await policyOf(volume)).toBe('Retain');
      await suite.cluster.kubectl(['delete', 'pvc', 'alike-later', `--namespace=${victim}`, '--timeout=90s']);
      expect(await policyOf(volume)).toBe('Retain');
      const after = await read(suite.cluster, claims, { namespace: victim, name });
      expect(written(after)).toEqual(written(forged));
      // Its storage goes with it.
      const policy = '-p={"spec":{"persistentVolumeReclaimPolicy":"Delete"}}';
      await suite.cluster.kubectl(['patch', 'pv', volume, '--type=merge', policy]);
      await suite.cluster.kubectl(['delete', 'pvc', name, `--namespace=${victim}`]);
    },
    TEST_MS,
  );
});

test(
  'after all look-alikes nothing is left',
  () => expectNothingLeft(suite.cluster, victim, () => controller.check()),
  TEST_MS,
);

/** A pod of the attacker's with everything that the real one has but its place. */
async function alike(claim: Claim, name: string, finalizers: readonly string[]): Promise<NewObject> {
  const record = await read(suite.cluster, populations, {
    namespace: victim,
    name: primeName(claim.metadata.uid),
  });
  const poser = aPoser(mallory, claim.metadata.uid, suite.cluster.toolboxImage);
  return {
    ...poser,
    metadata: {
      ...poser.metadata,
      name,
      ...(finalizers.length > 0 && { finalizers: [...finalizers] }),
      annotations: proofFor({ kind: 'Population', uid: record.metadata.uid }),
    },
  };
}

function marks(recordUid: string): {
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
} {
  return {
    annotations: proofFor({ kind: 'Population', uid: recordUid }),
    labels: { 'app.kubernetes.io/managed-by': 'volprime', 'volprime.dev/role': 'prime' },
  };
}

async function policyOf(volume: string): Promise<string | undefined> {
  return (await read(suite.cluster, volumes, { name: volume })).spec.persistentVolumeReclaimPolicy;
}

async function release(name: string, held: boolean): Promise<void> {
  if (held)
    await suite.cluster.kubectl([
      'patch',
      'pod',
      name,
      `--namespace=${mallory}`,
      '--type=merge',
      '-p={"metadata":{"finalizers":null}}',
    ]);
  await suite.cluster.kubectl([
    'delete',
    'pod',
    name,
    `--namespace=${mallory}`,
    '--grace-period=1',
    '--ignore-not-found',
  ]);
}

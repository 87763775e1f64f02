/**
 * SnapshotRestore under everything that interrupts: the controller killed before and after each step, and grants of another namespace that come, go
 * and come late. The numbers are those of docs/snapshots.md.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { NewObject } from '../../src/api/objects.ts';
import { claims } from '../../src/api/resources.ts';
import { volumeSnapshotContents, volumeSnapshots } from '../../src/api/snapshots.ts';
import { clearFaults, setFault } from '../cluster/index.ts';
import { crashInLanes, lanePopulated } from './harness/crash-lanes.ts';
import { casesOf } from './harness/crash-points.ts';
import { aClaimManifest, aRestore, restoreRef } from './harness/manifests.ts';
import { aFilledClaim, anImport, aSnapshotOf, expectNothingHeld, ready } from './harness/snapshots.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import {
  aGrant,
  claimOf,
  expectAllClean,
  openTenancy,
  populated,
  readable,
  revoke,
  type Tenancy,
  told,
} from './harness/tenancy.ts';
import { until } from './harness/until.ts';

const TEST_MS = 6 * 60_000;

let suite: Suite;
let tenancy: Tenancy;
let listing: string;
let handle: string;
useSuite(async (opened) => {
  suite = opened;
  tenancy = await openTenancy(suite, 'restore');
});
beforeAll(async () => {
  listing = await aFilledClaim(suite, tenancy.lib, 'original');
  await suite.apply(aSnapshotOf(tenancy.lib, 'taken', 'original'));
  ({ handle } = await ready(suite.cluster, tenancy.lib, 'taken'));
}, TEST_MS);

const snapshotGrant = (name: string, to: object = {}) =>
  aGrant(tenancy, {
    name,
    from: { group: 'volprime.dev', kind: 'SnapshotRestore' },
    to: { group: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', ...to },
  });

/** A claim of `app` and its SnapshotRestore, of a snapshot of `lib`. */
const foreignRestore = (name: string, snapshot = 'taken'): [NewObject, NewObject] => [
  aRestore(tenancy.app, name, { name: snapshot, namespace: tenancy.lib }),
  aClaimManifest({
    name,
    namespace: tenancy.app,
    storageClass: 'imm-del',
    source: restoreRef(name),
  }),
];

describe('scenario 12: a snapshot of another namespace', () => {
  test(
    'is restored when its owner allows it, and nothing of it is told before',
    async () => {
      await suite.apply(...foreignRestore('asks'), ...foreignRestore('dreams', 'no-such-snapshot'));
      const [asks, dreams] = [
        await told(tenancy, 'asks', 'ReferenceNotGranted'),
        await told(tenancy, 'dreams', 'ReferenceNotGranted'),
      ];
      const words = (record: typeof asks) =>
        record.status?.conditions?.[0]?.message.replaceAll(/taken|no-such-snapshot/g, 'NAME');
      expect(words(asks)).toBe(words(dreams));
      await suite.apply(snapshotGrant('for-another', { name: 'another' }));
      expect((await told(tenancy, 'asks', 'ReferenceNotGranted')).status?.prepared).toBeUndefined();
      await suite.apply(snapshotGrant('grant'));
      await populated(tenancy, 'asks', listing);
      await told(tenancy, 'dreams', 'SnapshotNotFound');
      const seen = await readable(tenancy);
      expect(seen).not.toContain(handle);
      expect(seen).not.toContain('snapcontent-');
      await suite.cluster.kubectl(['delete', 'pvc', 'dreams', `--namespace=${tenancy.app}`, '--timeout=60s']);
      await expectAllClean(tenancy);
      await expectNothingHeld(suite.cluster, [tenancy.app, tenancy.lib, tenancy.populators]);
      const original = await ready(suite.cluster, tenancy.lib, 'taken');
      expect(original.content.spec.deletionPolicy).toBe('Delete');
    },
    TEST_MS,
  );

  test(
    'is not begun again when the grant was revoked; what has begun ends',
    async () => {
      const { embedded } = suite.cluster;
      if (embedded === undefined) return;
      const [source, claim] = foreignRestore('begun');
      await suite.apply(snapshotGrant('grant'), claim);
      const { uid } = (await claimOf(tenancy, 'begun')).metadata;
      const matchName = `volprime-${uid}`;
      await setFault(embedded, { call: 'CreateVolume', matchName, failCode: 'UNAVAILABLE' });
      await suite.apply(source);
      const key = { namespace: tenancy.populators, name: `volprime-${uid}` };
      await until('the prime', () => suite.cluster.client.get(claims, key));
      await revoke(tenancy, 'grant');
      await revoke(tenancy, 'for-another');
      await suite.apply(...foreignRestore('late'));
      await told(tenancy, 'late', 'ReferenceNotGranted');
      await clearFaults(embedded, matchName);
      await populated(tenancy, 'begun', listing);
      await told(tenancy, 'late', 'ReferenceNotGranted');
      await suite.cluster.kubectl(['delete', 'pvc', 'late', `--namespace=${tenancy.app}`, '--timeout=60s']);
      await expectAllClean(tenancy);
      await expectNothingHeld(suite.cluster, [tenancy.lib, tenancy.populators]);
    },
    TEST_MS,
  );

  test(
    'leaves no alias behind when its claim is deleted before there is a volume',
    async () => {
      const { embedded } = suite.cluster;
      if (embedded === undefined) return;
      await suite.apply(snapshotGrant('grant'));
      const [source, claim] = foreignRestore('gives-up');
      await suite.apply(claim);
      const { uid } = (await claimOf(tenancy, 'gives-up')).metadata;
      await setFault(embedded, { call: 'CreateVolume', matchName: `volprime-${uid}`, failCode: 'UNAVAILABLE' });
      await suite.apply(source);
      const { client } = suite.cluster;
      const key = { namespace: tenancy.populators, name: `volprime-${uid}` };
      await until('the prime', () => client.get(claims, key));
      expect((await client.get(volumeSnapshotContents, { name: key.name }))?.spec.deletionPolicy).toBe('Retain');
      await suite.cluster.kubectl(['delete', 'pvc', 'gives-up', `--namespace=${tenancy.app}`, '--timeout=90s']);
      await expectNothingHeld(suite.cluster, [tenancy.lib, tenancy.populators]);
      await expectAllClean(tenancy);
      await clearFaults(embedded, `volprime-${uid}`);
      expect((await client.get(volumeSnapshots, { namespace: tenancy.lib, name: 'taken' }))?.status?.readyToUse).toBe(
        true,
      );
      await ready(suite.cluster, tenancy.lib, 'taken');
    },
    TEST_MS,
  );
});

test(
  "attack: a restore that gets no volume does not hold another namespace's snapshot once its owner revokes and deletes",
  async () => {
    const { embedded } = suite.cluster;
    if (embedded === undefined) return;
    await suite.apply(aSnapshotOf(tenancy.lib, 'wanted-back', 'original'), snapshotGrant('grant'));
    await ready(suite.cluster, tenancy.lib, 'wanted-back');
    const [source, claim] = foreignRestore('greedy', 'wanted-back');
    await suite.apply(claim);
    const { uid } = (await claimOf(tenancy, 'greedy')).metadata;
    await setFault(embedded, { call: 'CreateVolume', matchName: `volprime-${uid}`, failCode: 'UNAVAILABLE' });
    await suite.apply(source);
    const key = { namespace: tenancy.populators, name: `volprime-${uid}` };
    await until('the prime', () => suite.cluster.client.get(claims, key));
    await revoke(tenancy, 'grant');
    await suite.cluster.kubectl([
      'delete',
      'volumesnapshot',
      'wanted-back',
      `--namespace=${tenancy.lib}`,
      '--timeout=90s',
    ]);
    await told(tenancy, 'greedy', 'ReferenceNotGranted');
    await suite.cluster.kubectl(['delete', 'pvc', 'greedy', `--namespace=${tenancy.app}`, '--timeout=90s']);
    await clearFaults(embedded, `volprime-${uid}`);
    await expectAllClean(tenancy);
    await expectNothingHeld(suite.cluster, [tenancy.lib, tenancy.populators]);
  },
  TEST_MS,
);

describe('scenario 14: a controller that is killed at each step', () => {
  test(
    'restores each claim once, from a snapshot that was imported, and leaves nothing',
    async () => {
      const cases = casesOf('native', [
        'ProtectClaim',
        'RecordPopulation',
        'Prepare',
        'CreatePrime',
        'StartAttempt',
        'CallComplete',
        'RecordResult',
        'Rebind',
        'CallCleanup',
        'DeletePrime',
        'RecordSuccess',
        'ReleasePopulation',
      ]);
      const imported = new Set<string>();
      const lanes = await crashInLanes(suite, {
        label: 'crash-restore',
        storageClass: 'imm-del',
        cases,
        sourceOf: (namespace, { name }) => ({
          source: aRestore(namespace, name, { name: 'imported' }),
          ref: restoreRef(name),
        }),
        bring: async ({ namespace }) => {
          if (imported.has(namespace)) return;
          imported.add(namespace);
          await suite.apply(...anImport({ name: 'imported', namespace, handle }));
        },
      });
      const read = await Promise.all(lanes.map((lane) => lanePopulated(suite, lane)));
      const found = Object.assign({}, ...read) as Record<string, string>;
      expect(found).toEqual(Object.fromEntries(cases.map(({ name }) => [name, listing])));
      await expectNothingHeld(
        suite.cluster,
        lanes.map(({ namespace }) => namespace),
      );
    },
    TEST_MS,
  );
});

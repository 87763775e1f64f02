/**
 * SnapshotRestore where the CSI driver that took the snapshot makes the volume: rules in their order, sizes, modes, forged bindings, another
 * namespace, crashes and deletions. The numbers are those of docs/snapshots.md.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { NewObject } from '../../src/api/objects.ts';
import { claims, volumes } from '../../src/api/resources.ts';
import { SNAPSHOT_FINALIZER } from '../../src/api/names.ts';
import { ANNOTATION_ALLOW_MODE_CHANGE, volumeSnapshotContents, volumeSnapshots } from '../../src/api/snapshots.ts';
import { clearFaults, listSnapshots, setFault } from '../cluster/index.ts';
import { claimOf, expectPopulated, readyOf, statusOf } from './harness/claims.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { listAll } from './harness/invariants.ts';
import { aClaimManifest, aRestore, aWriter, restoreRef } from './harness/manifests.ts';
import { read, remove } from './harness/objects.ts';
import { printedBy } from './harness/read-back.ts';
import {
  aFilledClaim,
  anImport,
  aSnapshotClass,
  aSnapshotOf,
  CSI_DRIVER,
  expectNothingHeld,
  ready,
  type Taken,
} from './harness/snapshots.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 4 * 60_000;

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
let listing: string;
let taken: Taken;
useSuite(async (opened) => {
  suite = opened;
  ({ namespace, controller } = await suite.lane('restore'));
});
beforeAll(async () => {
  listing = await aFilledClaim(suite, namespace, 'original');
  await suite.apply(aSnapshotOf(namespace, 'taken', 'original'));
  taken = await ready(suite.cluster, namespace, 'taken');
}, TEST_MS);

interface Restore {
  readonly storageClass?: string;
  readonly size?: string;
  readonly volumeMode?: 'Filesystem' | 'Block';
  readonly spec?: object;
}

/** Names of claim and SnapshotRestore are the same. */
function restoreOf(name: string, snapshot: string, more: Restore = {}): NewObject[] {
  const { storageClass = 'imm-del', spec, ...claim } = more;
  return [
    aRestore(namespace, name, { name: snapshot }, spec),
    aClaimManifest({ name, namespace, storageClass, source: restoreRef(name), ...claim }),
  ];
}

/** The word of the record, once it is this one. */
async function refused(name: string, reason: string): Promise<string> {
  const status = await until(
    `${name} to be told ${reason}`,
    () => statusOf(suite, namespace, name),
    (found) => readyOf(found)?.reason === reason,
  );
  const { uid } = (await claimOf(suite, namespace, name)).metadata;
  const primes = (await listAll(suite.cluster, claims, namespace)).filter(
    ({ metadata }) => metadata.name === `volprime-${uid}`,
  );
  expect(primes).toEqual([]);
  return readyOf(status)?.message ?? '';
}

const populated = (...names: string[]) =>
  expectPopulated(suite, { namespace, controller }, Object.fromEntries(names.map((name) => [name, listing])));

function primeOf(name: string) {
  return until(
    `the prime of ${name}`,
    async () => {
      const { uid } = (await claimOf(suite, namespace, name)).metadata;
      return suite.cluster.client.get(claims, { namespace, name: `volprime-${uid}` });
    },
    (prime) => prime !== undefined,
  );
}

/** What is left of snapshots that were ready, by what the driver holds. */
async function stored(handle: string): Promise<boolean> {
  const { embedded } = suite.cluster;
  return embedded !== undefined && (await listSnapshots(embedded)).some(({ id }) => id === handle);
}

describe("a snapshot of the class's own driver", () => {
  test(
    'scenario 2: is restored by the driver, without a pod, and the record says so',
    async () => {
      await suite.apply(
        ...restoreOf('native', 'taken'),
        ...restoreOf('retained', 'taken', { storageClass: 'imm-ret' }),
      );
      await populated('native', 'retained');
      const status = await statusOf(suite, namespace, 'native');
      expect(status?.prepared?.route).toBe('Native');
      expect(status?.attempt).toBe(1);
      expect(status?.result?.verification).toBe('none');
      const { spec } = await claimOf(suite, namespace, 'retained');
      const volume = await read(suite.cluster, volumes, { name: spec.volumeName ?? '' });
      expect(volume.spec.persistentVolumeReclaimPolicy).toBe('Retain');
      await expectNothingHeld(suite.cluster, [namespace]);
    },
    TEST_MS,
  );

  test(
    'scenario 7: is waited for until it is ready, without a volume',
    async () => {
      const { embedded } = suite.cluster;
      if (embedded === undefined) return;
      const content = await aFilledClaim(suite, namespace, 'slow');
      const { spec } = await claimOf(suite, namespace, 'slow');
      const source = await read(suite.cluster, volumes, { name: spec.volumeName ?? '' });
      const matchName = source.spec.csi?.volumeHandle ?? '';
      await suite.apply(...restoreOf('early', 'late'));
      await refused('early', 'SnapshotNotFound');
      await setFault(embedded, { call: 'CreateSnapshot', matchName, failCode: 'UNAVAILABLE' });
      await suite.apply(aSnapshotOf(namespace, 'late', 'slow'));
      await refused('early', 'SnapshotNotReady');
      await clearFaults(embedded, matchName);
      await expectPopulated(suite, { namespace, controller }, { early: content });
    },
    TEST_MS,
  );

  test(
    'scenario 8: is not restored into less than it needs, and fills a larger volume to its end',
    async () => {
      const content = await aFilledClaim(suite, namespace, 'image', { storageClass: 'small-image' });
      await suite.apply(aSnapshotOf(namespace, 'of-image', 'image'));
      await ready(suite.cluster, namespace, 'of-image');
      const storageClass = 'small-image';
      await suite.apply(
        ...restoreOf('small', 'of-image', { storageClass, size: '32Mi' }),
        ...restoreOf('same', 'of-image', { storageClass, size: '64Mi' }),
        ...restoreOf('larger', 'of-image', { storageClass, size: '128Mi' }),
      );
      expect(await refused('small', 'ClaimSmallerThanSnapshot')).toMatch(/asks for 32Mi.*needs 64Mi/);
      await expectPopulated(suite, { namespace, controller }, { same: content, larger: content });
      const script = 'df -k /volumes/larger | awk \'NR == 2 { print ($2 > 100000) ? "grown" : $2 }\'';
      const image = suite.cluster.toolboxImage;
      const looker = aWriter({ name: 'looker', namespace, image, claims: ['larger'], script });
      expect(await printedBy(suite.cluster, looker)).toBe('grown\n');
    },
    TEST_MS,
  );

  test(
    'scenario 9: whose size is absent or 0 is taken at its word',
    async () => {
      const names = ['absent', 'zero'];
      await suite.apply(...names.flatMap((name) => anImport({ name, namespace, handle: taken.handle })));
      for (const name of names) {
        const { content } = await ready(suite.cluster, namespace, name);
        const size = name === 'zero' ? 0 : null;
        const { client } = suite.cluster;
        const subresource = { subresource: 'status' } as const;
        await client.mergePatch(
          volumeSnapshotContents,
          content.metadata,
          { status: { restoreSize: size } },
          subresource,
        );
        const told = { status: { restoreSize: size === null ? null : '0' } };
        await client.mergePatch(volumeSnapshots, { namespace, name }, told, subresource);
      }
      await suite.apply(...names.flatMap((name) => restoreOf(`size-${name}`, name)));
      await populated('size-absent', 'size-zero');
    },
    TEST_MS,
  );

  test(
    'scenario 10: changes its volume mode only where its content allows that',
    async () => {
      const sourceVolumeMode = 'Filesystem';
      const marks = { plain: undefined, yes: 'true', maybe: 'maybe' };
      for (const [name, mark] of Object.entries(marks)) {
        const annotations = mark === undefined ? {} : { [ANNOTATION_ALLOW_MODE_CHANGE]: mark };
        const pair = anImport({ name: `mode-${name}`, namespace, handle: taken.handle, annotations, sourceVolumeMode });
        await suite.apply(...pair, ...restoreOf(`mode-${name}`, `mode-${name}`, { volumeMode: 'Block' }));
      }
      expect(await refused('mode-plain', 'VolumeModeChangeNotAllowed')).toMatch(/Filesystem.*Block.*does not allow/);
      expect(await refused('mode-maybe', 'VolumeModeChangeNotAllowed')).toMatch(/"maybe".*not a boolean/);
      // Whether it can is the driver's to say; this one cannot.
      const prime = await primeOf('mode-yes');
      expect(prime?.spec.volumeMode).toBe('Block');
      await suite.cluster.kubectl(['delete', 'pvc', 'mode-yes', `--namespace=${namespace}`, '--timeout=60s']);
    },
    TEST_MS,
  );

  test(
    'that was deleted alone as a content is still restored',
    async () => {
      await suite.apply(aSnapshotOf(namespace, 'half-gone', 'original'));
      const { content } = await ready(suite.cluster, namespace, 'half-gone');
      await remove(suite.cluster, volumeSnapshotContents, content.metadata);
      await suite.apply(...restoreOf('of-half-gone', 'half-gone'));
      await populated('of-half-gone');
    },
    TEST_MS,
  );

  test(
    'scenario 25: whose class was deleted is still restored, and deleted',
    async () => {
      const { name } = await copySnapshotClass('restore-class');
      await suite.apply(aSnapshotOf(namespace, 'classless', 'original', name));
      const { handle } = await ready(suite.cluster, namespace, 'classless');
      await suite.cluster.kubectl(['delete', 'volumesnapshotclass', name]);
      await suite.apply(...restoreOf('of-classless', 'classless'));
      await populated('of-classless');
      await suite.cluster.kubectl([
        'delete',
        'volumesnapshot',
        'classless',
        `--namespace=${namespace}`,
        '--timeout=60s',
      ]);
      await until(
        'the snapshot to be gone from the driver',
        () => stored(handle),
        (there) => !there,
      );
    },
    TEST_MS,
  );
});

describe('scenario 11: a snapshot whose status was forged', () => {
  test(
    'does not give the data of another namespace away',
    async () => {
      const thief = await suite.lane('thief');
      const [, snapshot] = anImport({ name: 'forged', namespace: thief.namespace, handle: taken.handle });
      await suite.apply(snapshot);
      const key = { namespace: thief.namespace, name: 'forged' };
      const boundVolumeSnapshotContentName = taken.content.metadata.name;
      const body = { status: { boundVolumeSnapshotContentName, readyToUse: true, restoreSize: '64Mi' } };
      await suite.apply(
        aRestore(thief.namespace, 'loot', { name: 'forged' }),
        aClaimManifest({
          name: 'loot',
          namespace: thief.namespace,
          storageClass: 'imm-del',
          source: restoreRef('loot'),
        }),
      );
      const status = await until(
        'the restore to be refused for its binding',
        async () => {
          // The snapshot controller mends it each time.
          await suite.cluster.client.mergePatch(volumeSnapshots, key, body, { subresource: 'status' });
          return statusOf(suite, thief.namespace, 'loot');
        },
        (found) => readyOf(found)?.reason === 'SnapshotMisbound',
      );
      expect(JSON.stringify(status)).not.toContain(namespace);
      const made = (await listAll(suite.cluster, claims, thief.namespace)).map(({ metadata }) => metadata.name);
      expect(made).toEqual(['loot']);
    },
    TEST_MS,
  );
});

describe('while a restore is under way', () => {
  /** The driver makes no volume for the prime until told, or takes its time for it. */
  async function atWork(name: string, snapshot: string, fault: object): Promise<() => Promise<void>> {
    const { embedded } = suite.cluster;
    if (embedded === undefined) throw new Error('only on the embedded cluster');
    const claim = aClaimManifest({ name, namespace, storageClass: 'imm-del', source: restoreRef(name) });
    await suite.apply(claim);
    const { uid } = (await claimOf(suite, namespace, name)).metadata;
    await setFault(embedded, { call: 'CreateVolume', matchName: `volprime-${uid}`, ...fault });
    await suite.apply(aRestore(namespace, name, { name: snapshot }));
    await primeOf(name);
    return () => clearFaults(embedded, `volprime-${uid}`);
  }

  const refusing = { failCode: 'UNAVAILABLE' };
  const snapshotNamed = (name: string) => suite.cluster.client.get(volumeSnapshots, { namespace, name });

  test(
    'scenario 13: the snapshot is held, and goes when the restore is complete',
    async () => {
      await suite.apply(aSnapshotOf(namespace, 'held', 'original'));
      const { handle } = await ready(suite.cluster, namespace, 'held');
      // Longer than the test needs to delete the snapshot, and less than the provisioner gives the driver for one call.
      await atWork('of-held', 'held', { delayMs: 9_000 });
      expect((await snapshotNamed('held'))?.metadata.finalizers).toContain(SNAPSHOT_FINALIZER);
      await suite.cluster.kubectl(['delete', 'volumesnapshot', 'held', `--namespace=${namespace}`, '--wait=false']);
      // A restore that begins now is refused, without disturbing the one that has begun.
      await suite.apply(...restoreOf('too-late', 'held'));
      await refused('too-late', 'SnapshotBeingDeleted');
      expect((await snapshotNamed('held'))?.metadata.deletionTimestamp).toBeDefined();
      await populated('of-held');
      await until(
        'the snapshot to be gone',
        () => snapshotNamed('held'),
        (found) => found === undefined,
      );
      await until(
        'the driver to have removed it',
        () => stored(handle),
        (there) => !there,
      );
      await refused('too-late', 'SnapshotNotFound');
    },
    TEST_MS,
  );

  test(
    'scenario 15: a claim that is deleted takes everything along, and the other restore of that snapshot keeps its hold',
    async () => {
      await suite.apply(aSnapshotOf(namespace, 'shared', 'original'));
      await ready(suite.cluster, namespace, 'shared');
      const [goOn] = [await atWork('stays', 'shared', refusing), await atWork('goes', 'shared', refusing)];
      const { uid } = (await claimOf(suite, namespace, 'goes')).metadata;
      await suite.cluster.kubectl(['delete', 'pvc', 'goes', `--namespace=${namespace}`, '--timeout=60s']);
      const prime = { namespace, name: `volprime-${uid}` };
      await until(
        'the prime to be gone',
        () => suite.cluster.client.get(claims, prime),
        (it) => it === undefined,
      );
      expect((await snapshotNamed('shared'))?.metadata.finalizers).toContain(SNAPSHOT_FINALIZER);
      await goOn();
      await populated('stays');
      await expectNothingHeld(suite.cluster, [namespace]);
    },
    TEST_MS,
  );

  test(
    'a hold that nobody has any use for is taken off',
    async () => {
      const {
        uid,
        resourceVersion,
        finalizers = [],
      } = (await ready(suite.cluster, namespace, 'taken')).snapshot.metadata;
      const body = { metadata: { uid, resourceVersion, finalizers: [...finalizers, SNAPSHOT_FINALIZER] } };
      const made = await suite.cluster.client.mergePatch(volumeSnapshots, { namespace, name: 'taken' }, body);
      expect(made.type).toBe('done');
      await expectNothingHeld(suite.cluster, [namespace]);
    },
    TEST_MS,
  );
});

async function copySnapshotClass(label: string): Promise<{ name: string }> {
  const name = `${label}-${namespace}`;
  await suite.apply(aSnapshotClass(name, CSI_DRIVER));
  return { name };
}

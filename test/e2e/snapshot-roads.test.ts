/**
 * Ways to a snapshot and back that are not the straight one: volumes of no CSI driver, claims that name a snapshot themselves, snapshots that
 * share their data, volumes that grow, and what is upstream's and stays so.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CAPTURE_SOURCE_FINALIZER } from '../../src/api/names.ts';
import type { NewObject } from '../../src/api/objects.ts';
import { claims, volumes } from '../../src/api/resources.ts';
import { SNAPSHOT_DRIVER, volumeSnapshots } from '../../src/api/snapshots.ts';
import { volumeCaptures } from '../../src/api/volume-capture.ts';
import { hasFinalizer } from '../../src/runtime/index.ts';
import { claimOf, expectBound, expectPopulated, SLOWLY, statusOf, toldOf } from './harness/claims.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import {
  aClaimManifest,
  aPlainClaim,
  aReader,
  aRestore,
  aWriter,
  restoreRef,
  snapshotRef,
} from './harness/manifests.ts';
import { admit } from './harness/namespaces.ts';
import { read, recordOf, remove } from './harness/objects.ts';
import { printedBy, readBack } from './harness/read-back.ts';
import {
  aFilledClaim,
  aRepositoryClass,
  aRepositorySecret,
  aSnapshotClass,
  aSnapshotOf,
  CSI_DRIVER,
  ready,
  reasonsAbout,
  type SourceOptions,
} from './harness/snapshots.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 6 * 60_000;

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
let listing: string;
useSuite(async (opened) => {
  suite = opened;
  ({ namespace, controller } = await suite.lane('roads'));
});
const classNames = () => ({ own: `own-${namespace}`, increments: `increments-${namespace}` });
const defaultNames = () => [`default-1-${namespace}`, `default-2-${namespace}`, `default-own-${namespace}`] as const;
beforeAll(async () => {
  await admit(suite.cluster, namespace, 'baseline');
  const { own, increments } = classNames();
  await suite.apply(
    aRepositoryClass(own, { clone: 'never' }),
    aRepositoryClass(increments, { clone: 'never', repositoryClaim: 'increments' }),
    aPlainClaim(namespace, 'repository', 'imm-del', '256Mi'),
    aPlainClaim(namespace, 'increments', 'imm-del', '256Mi'),
    aRepositorySecret(namespace),
  );
  listing = await aFilledClaim(suite, namespace, 'original');
}, TEST_MS);
afterAll(async () => {
  const names = [...Object.values(classNames()), ...defaultNames()];
  await suite?.cluster.kubectl(['delete', 'volumesnapshotclass', '--ignore-not-found', ...names]);
});

/** Claim and SnapshotRestore bear one name. */
function restoreOf(
  name: string,
  snapshot: string,
  { storageClass = 'imm-del', size = '64Mi' }: SourceOptions = {},
): NewObject[] {
  return [
    aRestore(namespace, name, { name: snapshot }),
    aClaimManifest({ name, namespace, storageClass, source: restoreRef(name), size }),
  ];
}

const populated = (contents: Readonly<Record<string, string>>) =>
  expectPopulated(suite, { namespace, controller }, contents);

async function printed(name: string, claim: string, script: string): Promise<string> {
  const image = suite.cluster.toolboxImage;
  return printedBy(suite.cluster, aWriter({ name, namespace, image, claims: [claim], script }));
}

/** Type, permissions, owner and name of each file. Of a user's pod with an fsGroup the kubelet changes them, so this one has none. */
async function modesOf(claim: string): Promise<string> {
  const script = `cd /volumes/${claim}; find . -name lost+found -prune -o -print | sort | xargs stat -c '%F %a %u:%g %n'`;
  const image = suite.cluster.toolboxImage;
  const pod = aWriter({ name: `modes-${claim}`, namespace, image, claims: [claim], script });
  const securityContext = { runAsUser: 1000, runAsGroup: 1000 };
  return printedBy(suite.cluster, { ...pod, spec: { ...(pod['spec'] as object), securityContext } });
}

test(
  'scenario 6: a volume of no CSI driver: its VolumeSnapshot points to the VolumeCapture, and that comes back in a CSI class',
  async () => {
    const held = await aFilledClaim(suite, namespace, 'local', { storageClass: 'local-path' });
    const { own } = classNames();
    await suite.apply(aSnapshotOf(namespace, 'refused', 'local', own));
    await until(
      "upstream's error and the way out",
      async () => ({
        error: (await read(suite.cluster, volumeSnapshots, { namespace, name: 'refused' })).status?.error,
        said: await reasonsAbout(suite.cluster, { namespace, name: 'refused' }),
      }),
      ({ error, said }) => error !== undefined && said.includes('UseVolumeCapture'),
    );
    // Upstream holds the claim for it as long as it is there.
    await suite.cluster.kubectl(['delete', 'volumesnapshot', 'refused', `--namespace=${namespace}`, '--timeout=60s']);
    await suite.apply({
      apiVersion: 'volprime.dev/v1alpha1',
      kind: volumeCaptures.kind,
      metadata: { name: 'nightly', namespace },
      spec: { claimName: 'local', volumeSnapshotClassName: own },
    });
    await until(
      'the VolumeCapture to be over, and the claim to be free',
      async () => ({
        capture: await read(suite.cluster, volumeCaptures, { namespace, name: 'nightly' }),
        claim: await claimOf(suite, namespace, 'local'),
      }),
      ({ capture: { status }, claim }) =>
        status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'Captured') === true &&
        !hasFinalizer(claim, CAPTURE_SOURCE_FINALIZER),
    );
    const { snapshot } = await ready(suite.cluster, namespace, 'nightly');
    expect(snapshot.status).toMatchObject({ restoreSize: '64Mi', creationTime: expect.any(String) });
    await suite.apply(...restoreOf('from-local', 'nightly'));
    await expectBound(suite, namespace, 'from-local');
    const modes = await modesOf('local');
    expect(modes).toContain('regular file 640 1000:1000 ./data/deep/file\n');
    expect(await modesOf('from-local')).toBe(modes);
    await populated({ 'from-local': held });
    expect((await statusOf(suite, namespace, 'from-local'))?.result?.verification).toBe('manifest');
    const { spec } = await claimOf(suite, namespace, 'from-local');
    const volume = await read(suite.cluster, volumes, { name: spec.volumeName ?? '' });
    expect(volume.spec.csi?.driver).toBe(CSI_DRIVER);
  },
  TEST_MS,
);

test(
  'scenario 4: a claim of a CSI class that names a snapshot of ours itself is bound by us: a pod that waits for it starts with the data',
  async () => {
    const image = suite.cluster.toolboxImage;
    await suite.apply(
      aClaimManifest({ name: 'plainly', namespace, storageClass: 'imm-del', source: snapshotRef('named') }),
    );
    const reader = aReader({ name: 'waits', namespace, image, claims: ['plainly'] });
    const [seen] = await Promise.all([
      printedBy(suite.cluster, reader, SLOWLY),
      suite.apply(aSnapshotOf(namespace, 'named', 'original', classNames().own)),
    ]);
    expect(seen).toBe(`== plainly\n${listing}\n== end\n`);
    await populated({ plainly: listing });
    const status = await statusOf(suite, namespace, 'plainly');
    expect(status?.prepared?.route).toBe('Repository');
    expect(status?.result?.verification).toBe('manifest');
    const { metadata, spec } = await claimOf(suite, namespace, 'plainly');
    expect(spec.volumeName).not.toBe(`pvc-${metadata.uid}`);
  },
  TEST_MS,
);

test(
  'scenario 34: a second snapshot stores what has changed, and outlives the first',
  async () => {
    const { increments } = classNames();
    const stored = async (name: string) =>
      Number((await printed(name, 'increments', 'du -sk /volumes/increments')).split('\t')[0]);
    await suite.apply(aPlainClaim(namespace, 'many', 'imm-del'));
    const files = 'cd /volumes/many; for i in $(seq 100); do head -c 200000 /dev/urandom > file-$i; done; echo written';
    expect(await printed('fills', 'many', files)).toBe('written\n');
    await suite.apply(aSnapshotOf(namespace, 'full', 'many', increments));
    await ready(suite.cluster, namespace, 'full');
    const full = await stored('weighs-full');
    expect(full).toBeGreaterThan(19_000);
    expect(await printed('changes', 'many', 'head -c 200000 /dev/urandom > /volumes/many/file-50; echo changed')).toBe(
      'changed\n',
    );
    await suite.apply(aSnapshotOf(namespace, 'changed', 'many', increments));
    await ready(suite.cluster, namespace, 'changed');
    const added = (await stored('weighs-both')) - full;
    expect(added).toBeGreaterThan(190);
    expect(added).toBeLessThan(full / 20);
    await remove(suite.cluster, volumeSnapshots, { namespace, name: 'full' });
    await until(
      'the first to be gone',
      async () => (await suite.cluster.client.get(volumeSnapshots, { namespace, name: 'full' }))?.metadata,
      (found) => found === undefined,
      SLOWLY,
    );
    await suite.apply(...restoreOf('from-changed', 'changed'));
    await populated({ 'from-changed': (await readBack(suite.cluster, namespace, ['many']))['many'] ?? '' });
    expect((await statusOf(suite, namespace, 'from-changed'))?.result?.verification).toBe('manifest');
  },
  TEST_MS,
);

/** The volume is made larger by the resizer, and its file system by the kubelet, for the first pod that mounts it. */
async function grow(name: string, storage: string): Promise<void> {
  const key = { namespace, name };
  const { spec } = await claimOf(suite, namespace, name);
  const asked = { spec: { resources: { requests: { storage } } } };
  expect((await suite.cluster.client.mergePatch(claims, key, asked)).type).toBe('done');
  await until(
    `the volume of ${name} to be larger`,
    async () => (await read(suite.cluster, volumes, { name: spec.volumeName ?? '' })).spec.capacity?.storage,
    (capacity) => capacity === storage,
  );
  const script = `df -k /volumes/${name} | awk 'NR == 2 { print ($2 > 100000) ? "grown" : $2 }'`;
  expect(await printed(`looks-at-${name}`, name, script)).toBe('grown\n');
  await until(
    `the claim ${name} to have ${storage}`,
    async () => (await claimOf(suite, namespace, name)).status?.capacity?.storage,
    (capacity) => capacity === storage,
  );
}

test(
  'scenario 39: a restored claim that has grown is captured at its new size, and what was taken before keeps its own',
  async () => {
    const { own } = classNames();
    await suite.apply(aSnapshotOf(namespace, 'before', 'original', own));
    await ready(suite.cluster, namespace, 'before');
    await suite.apply(...restoreOf('grows', 'before', { storageClass: 'small-image' }));
    await populated({ grows: listing });
    await grow('grows', '128Mi');
    await suite.apply(aSnapshotOf(namespace, 'after', 'grows', own));
    expect((await ready(suite.cluster, namespace, 'after')).snapshot.status?.restoreSize).toBe('128Mi');
    expect((await ready(suite.cluster, namespace, 'before')).snapshot.status?.restoreSize).toBe('64Mi');
    await suite.apply(
      ...restoreOf('old', 'before'),
      ...restoreOf('large', 'after', { size: '128Mi', storageClass: 'small-image' }),
      ...restoreOf('small', 'after'),
    );
    await populated({ old: listing, large: listing });
    expect((await claimOf(suite, namespace, 'large')).status?.capacity?.storage).toBe('128Mi');
    expect(await toldOf(suite, namespace, 'small', 'ClaimSmallerThanSnapshot')).toMatch(/asks for 64Mi.*needs 128Mi/);
    expect((await claimOf(suite, namespace, 'small')).spec.volumeName).toBeUndefined();
  },
  TEST_MS,
);

test(
  "a claim restored from a CSI driver's snapshot in an ordinary class is CSI's own",
  async () => {
    await suite.apply(aSnapshotOf(namespace, 'theirs', 'original'));
    await ready(suite.cluster, namespace, 'theirs');
    const { apiGroup, kind, name } = snapshotRef('theirs');
    const plain = aPlainClaim(namespace, 'ordinary', 'imm-del');
    await suite.apply(
      { ...plain, spec: { ...(plain['spec'] as object), dataSource: { apiGroup, kind, name } } },
      aClaimManifest({ name: 'ordinary-ref', namespace, storageClass: 'imm-del', source: snapshotRef('theirs') }),
    );
    const names = ['ordinary', 'ordinary-ref'];
    for (const each of names) await expectBound(suite, namespace, each);
    // One of ours, from beginning to end: whatever would have been done about the others had its time.
    await suite.apply(...restoreOf('beside', 'theirs'));
    await populated({ beside: listing });
    for (const each of names) {
      const claim = await claimOf(suite, namespace, each);
      expect(await recordOf(suite.cluster, claim)).toBeUndefined();
      expect(claim.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
      expect(claim.spec.volumeName).toBe(`pvc-${claim.metadata.uid}`);
    }
    expect(await readBack(suite.cluster, namespace, names)).toEqual({ ordinary: listing, 'ordinary-ref': listing });
  },
  TEST_MS,
);

test(
  'scenario 24: of two default classes of a driver upstream takes neither, and ours never, though it is marked too',
  async () => {
    const [one, two, ours] = defaultNames();
    const annotations = { 'snapshot.storage.kubernetes.io/is-default-class': 'true' };
    await suite.apply(
      aSnapshotClass(one, CSI_DRIVER, { metadata: { name: one, annotations } }),
      aSnapshotClass(two, CSI_DRIVER, { metadata: { name: two, annotations } }),
      aSnapshotClass(ours, SNAPSHOT_DRIVER, { metadata: { name: ours, annotations } }),
    );
    const source = { persistentVolumeClaimName: 'original' };
    await suite.apply({ ...aSnapshotOf(namespace, 'undecided', 'original'), spec: { source } });
    const refused = await until(
      'upstream to say that it cannot choose',
      () => read(suite.cluster, volumeSnapshots, { namespace, name: 'undecided' }),
      ({ status }) => status?.error?.message?.includes('2 default snapshot classes') === true,
    );
    expect(refused.spec.volumeSnapshotClassName).toBeUndefined();
    expect(refused.status?.boundVolumeSnapshotContentName).toBeUndefined();
    await suite.cluster.kubectl(['delete', 'volumesnapshotclass', two]);
    const { snapshot, content } = await ready(suite.cluster, namespace, 'undecided');
    expect(snapshot.spec.volumeSnapshotClassName).toBe(one);
    expect(content.spec.driver).toBe(CSI_DRIVER);
  },
  TEST_MS,
);

/**
 * VolumeSnapshots of snapshot.volprime.dev in an object store: there and back, and captures that hang in the middle of their upload. The numbers
 * are those of docs/snapshot-capture.md.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { claims, namespaces, pods } from '../../src/api/resources.ts';
import { volumeSnapshotContents, volumeSnapshots } from '../../src/api/snapshots.ts';
import { type Hold, type HoldingProxy, startHoldingProxy } from '../support/holding-proxy.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';
import { expectPopulated, SLOWLY, statusOf } from './harness/claims.ts';
import { projectDir } from './harness/cluster.ts';
import { listAll } from './harness/invariants.ts';
import { aClaimManifest, aPlainClaim, aRestore, aWriter, restoreRef } from './harness/manifests.ts';
import { admit } from './harness/namespaces.ts';
import { read, remove } from './harness/objects.ts';
import { printedBy } from './harness/read-back.ts';
import { aFilledClaim, aRepositoryClass, aRepositorySecret, aSnapshotOf, ready } from './harness/snapshots.ts';
import { type Lane, type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 6 * 60_000;
const BUCKET = 'snapshots';

let suite: Suite;
let lane: Lane;
let server: S3Server;
let proxy: HoldingProxy;
useSuite(async (opened) => {
  suite = opened;
  lane = await suite.lane('store');
});
const className = () => `store-${lane.namespace}`;
beforeAll(async () => {
  server = await startS3Server(suite.directory);
  await server.put(BUCKET, 'made', Buffer.from('a bucket'));
  proxy = await startHoldingProxy(server.url, suite.cluster.hostAddress);
  await suite.apply(aRepositoryClass(className(), { clone: 'never', repositoryClaim: undefined }));
  await furnish(lane.namespace);
}, TEST_MS);
// Namespaces that are taken down have data to forget: the store goes after them.
afterAll(async () => {
  await suite?.cluster.kubectl(['delete', 'volumesnapshotclass', '--ignore-not-found', className()]);
  await proxy?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** A repository of the namespace's own in the store. */
async function furnish(namespace: string): Promise<void> {
  await admit(suite.cluster, namespace, 'baseline');
  const { accessKeyId, secretAccessKey, region } = server;
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_DEFAULT_REGION: region };
  await suite.apply(aRepositorySecret(namespace, { repository: `s3:${proxy.url}/${BUCKET}/${namespace}`, ...keys }));
}

/** Files of restic's that the store has of a namespace: its data, what tells of snapshots, or the keys that the password opens. */
function storedOf(namespace: string, kind: 'data' | 'keys' | 'snapshots'): string[] {
  const cwd = join(server.data, BUCKET, namespace);
  return existsSync(cwd) ? globSync(`${kind}/**/*`, { cwd }).filter((path) => /[0-9a-f]{64}$/.test(path)) : [];
}

const take = (namespace: string, name: string, claim: string) =>
  suite.apply(aSnapshotOf(namespace, name, claim, className()));

test(
  'a volume is captured into an object store, and comes back the same',
  async () => {
    const { namespace } = lane;
    const listing = await aFilledClaim(suite, namespace, 'original');
    await take(namespace, 'nightly', 'original');
    await ready(suite.cluster, namespace, 'nightly');
    expect(storedOf(namespace, 'snapshots')).not.toEqual([]);
    await suite.apply(
      aRestore(namespace, 'back', { name: 'nightly' }),
      aClaimManifest({ name: 'back', namespace, storageClass: 'imm-del', source: restoreRef('back') }),
    );
    await expectPopulated(suite, lane, { back: listing });
    const status = await statusOf(suite, namespace, 'back');
    expect(status?.prepared?.route).toBe('Repository');
    expect(status?.result?.verification).toBe('manifest');
  },
  TEST_MS,
);

test(
  'first captures of a namespace at one moment make one repository between them, and all of them are in it',
  async () => {
    const { namespace } = await suite.lane('first');
    await furnish(namespace);
    const names = ['one', 'two', 'three'];
    for (const name of names) await suite.apply(aPlainClaim(namespace, name, 'imm-del'));
    await suite.apply(...names.map((name) => aSnapshotOf(namespace, name, name, className())));
    for (const name of names) await ready(suite.cluster, namespace, name, SLOWLY);
    expect(storedOf(namespace, 'keys')).toHaveLength(1);
  },
  TEST_MS,
);

describe('scenario 20: a capture that hangs in the middle of its upload', () => {
  /** Its pod has stored one pack, more than there was of the repository, and waits for ever for the next to be taken. */
  async function hanging(namespace: string, name: string): Promise<Hold> {
    const claim = `of-${name}`;
    const image = suite.cluster.toolboxImage;
    const script = `head -c 50000000 /dev/urandom > /volumes/${claim}/file; echo written`;
    await suite.apply(aPlainClaim(namespace, claim, 'imm-del'));
    const writer = aWriter({ name: `fills-${name}`, namespace, image, claims: [claim], script });
    expect(await printedBy(suite.cluster, writer)).toBe('written\n');
    const before = storedOf(namespace, 'data').length;
    let packs = 0;
    const hold = proxy.hold((method, path) => {
      const isPack = method === 'PUT' && path.startsWith(`/${BUCKET}/${namespace}/data/`);
      if (isPack) packs += 1;
      return isPack && packs === 2;
    });
    await take(namespace, name, claim);
    await until(
      'a pack to be stored and another to be held',
      () => ({ held: hold.count, stored: storedOf(namespace, 'data').length - before }),
      ({ held, stored }) => held > 0 && stored > 0,
    );
    const running = (await ofCaptures(namespace)).filter(({ phase }) => phase === 'Running');
    expect(running).toHaveLength(1);
    return hold;
  }

  const ofCaptures = async (namespace: string) =>
    [...(await listAll(suite.cluster, pods, namespace)), ...(await listAll(suite.cluster, claims, namespace))]
      .filter(({ metadata }) => metadata.labels?.['volprime.dev/snapshot-key'] !== undefined)
      .map(({ metadata, status }) => ({ name: metadata.name, phase: status?.phase }));

  const contentsOf = async (namespace: string) =>
    (await listAll(suite.cluster, volumeSnapshotContents))
      .filter(({ spec }) => spec.volumeSnapshotRef.namespace === namespace)
      .map(({ metadata }) => metadata.name);

  test(
    'is cancelled with its VolumeSnapshot: what it had stored is removed, what others have stays',
    async () => {
      const { namespace } = lane;
      const before = { data: storedOf(namespace, 'data'), snapshots: storedOf(namespace, 'snapshots') };
      using hold = await hanging(namespace, 'hangs');
      const { metadata } = await read(suite.cluster, volumeSnapshots, { namespace, name: 'hangs' });
      await remove(suite.cluster, volumeSnapshots, { namespace, name: 'hangs' });
      await until(
        'VolumeSnapshot, content and pods to be gone',
        async () => ({
          snapshot: (await suite.cluster.client.get(volumeSnapshots, { namespace, name: 'hangs' }))?.metadata,
          content: (await contentsOf(namespace)).filter((name) => name.endsWith(metadata.uid)),
          pods: await ofCaptures(namespace),
        }),
        ({ snapshot, content, pods }) => snapshot === undefined && content.length + pods.length === 0,
        SLOWLY,
      );
      // Nobody released what was held: the pod was ended.
      expect(hold.count).toBeGreaterThan(0);
      expect(storedOf(namespace, 'data')).toEqual(before.data);
      expect(storedOf(namespace, 'snapshots')).toEqual(before.snapshots);
    },
    TEST_MS,
  );

  test(
    'does not keep its namespace',
    async () => {
      const doomed = (await suite.lane('doomed')).namespace;
      await furnish(doomed);
      using hold = await hanging(doomed, 'hangs');
      const { metadata } = await read(suite.cluster, namespaces, { name: doomed });
      await suite.cluster.client.delete(namespaces, metadata, { uid: metadata.uid });
      await until(
        'namespace and contents to be gone',
        async () => ({
          namespace: (await suite.cluster.client.get(namespaces, { name: doomed }))?.metadata,
          contents: await contentsOf(doomed),
        }),
        ({ namespace, contents }) => namespace === undefined && contents.length === 0,
        SLOWLY,
      );
      expect(hold.count).toBeGreaterThan(0);
    },
    TEST_MS,
  );
});

test(
  'scenario 33: the CronJob of the samples fails where the data is damaged, and names the snapshot',
  async () => {
    const { namespace } = lane;
    const { kubectl } = suite.cluster;
    const sample = readFileSync(join(projectDir, 'samples/snapshots/verify.yaml'), 'utf8');
    await kubectl(
      ['apply', '--filename=-'],
      sample.replaceAll('namespace: shop', `namespace: ${namespace}`).replaceAll('=shop', `=${namespace}`),
    );
    expect(await verifiedBy('before')).toMatchObject({
      failed: false,
      log: expect.stringContaining(`good: all data of ${namespace}/nightly`),
    });
    for (const file of storedOf(namespace, 'data')) damage(join(server.data, BUCKET, namespace, file));
    expect(await verifiedBy('after')).toMatchObject({
      failed: true,
      log: expect.stringMatching(/^damaged: .*nightly/m),
    });
  },
  TEST_MS,
);

/** What one Job of the CronJob comes to. */
async function verifiedBy(job: string): Promise<{ readonly failed: boolean; readonly log: string }> {
  const { kubectl } = suite.cluster;
  const here = `--namespace=${lane.namespace}`;
  await kubectl(['create', 'job', job, '--from=cronjob/verify-nightly', here]);
  const ended = await until(
    `the Job ${job} to end`,
    () => kubectl(['get', 'job', job, here, '--output=jsonpath={.status.conditions[?(@.status=="True")].type}']),
    (types) => types.includes('Complete') || types.includes('Failed'),
  );
  return { failed: ended.includes('Failed'), log: await kubectl(['logs', `job/${job}`, here]) };
}

/** In the middle, where blobs are. */
function damage(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0x5a, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 16);
  writeFileSync(file, bytes);
}

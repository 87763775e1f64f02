/** VolumeSnapshots of snapshot.volprime.dev on an sftp server: there, back and away; and a server that is not the one that the Secret knows. */
import { chmodSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { volumeSnapshotContents, volumeSnapshots } from '../../src/api/snapshots.ts';
import { type SftpServer, startSftpServer } from '../support/sshd.ts';
import { expectPopulated, SLOWLY, statusOf } from './harness/claims.ts';
import { listAll } from './harness/invariants.ts';
import { aClaimManifest, aRestore, restoreRef } from './harness/manifests.ts';
import { admit } from './harness/namespaces.ts';
import { remove } from './harness/objects.ts';
import { aFilledClaim, aRepositoryClass, aRepositorySecret, aSnapshotOf, ready } from './harness/snapshots.ts';
import { type Lane, type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 6 * 60_000;

let suite: Suite;
let lane: Lane;
let directory: string;
let server: SftpServer;
useSuite(async (opened) => {
  suite = opened;
  lane = await suite.lane('sftp');
});
const className = () => `sftp-${lane.namespace}`;
beforeAll(async () => {
  // The server runs as another user, who has to pass.
  directory = mkdtempSync(join(tmpdir(), 'sftp-'));
  chmodSync(directory, 0o755);
  server = await startSftpServer(directory, suite.cluster.hostAddress);
  await suite.apply(aRepositoryClass(className(), { clone: 'never', repositoryClaim: undefined }));
  await admit(suite.cluster, lane.namespace, 'baseline');
  await knowing(server.knownHost);
}, TEST_MS);
afterAll(async () => {
  await suite?.cluster.kubectl(['delete', 'volumesnapshotclass', '--ignore-not-found', className()]);
  await server?.[Symbol.asyncDispose]();
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
});

/** The namespace's Secret, with those hosts known. */
function knowing(hosts: string): Promise<unknown> {
  const { user, host, port, data, privateKey } = server;
  const repository = `sftp://${user}@${host}:${port}/${data}/${lane.namespace}`;
  return suite.apply(
    aRepositorySecret(lane.namespace, { repository, 'ssh-privatekey': privateKey, known_hosts: hosts }),
  );
}

const stored = () => globSync(`${server.data}/${lane.namespace}/snapshots/*`).length;

test(
  'a volume is captured to an sftp server, comes back the same, and what is deleted is gone from there',
  async () => {
    const { namespace } = lane;
    const listing = await aFilledClaim(suite, namespace, 'original');
    await suite.apply(aSnapshotOf(namespace, 'nightly', 'original', className()));
    await ready(suite.cluster, namespace, 'nightly');
    expect(stored()).toBeGreaterThan(0);
    await suite.apply(
      aRestore(namespace, 'back', { name: 'nightly' }),
      aClaimManifest({ name: 'back', namespace, storageClass: 'imm-del', source: restoreRef('back') }),
    );
    await expectPopulated(suite, lane, { back: listing });
    const status = await statusOf(suite, namespace, 'back');
    expect(status?.prepared?.route).toBe('Repository');
    expect(status?.result?.verification).toBe('manifest');
    await remove(suite.cluster, volumeSnapshots, { namespace, name: 'nightly' });
    await until('its entries to be gone from the server', stored, (count) => count === 0, SLOWLY);
  },
  TEST_MS,
);

test(
  'a server with another host key than the Secret knows gets nothing, and the VolumeSnapshot says why',
  async () => {
    const { namespace } = lane;
    await knowing(server.otherHost);
    await suite.apply(aSnapshotOf(namespace, 'elsewhere', 'original', className()));
    const said = await until(
      'the content to name the reason',
      async () =>
        (await listAll(suite.cluster, volumeSnapshotContents))
          .filter(({ spec: { volumeSnapshotRef: ref } }) => ref.namespace === namespace && ref.name === 'elsewhere')
          .map(({ status }) => status?.error?.message ?? '')
          .join(),
      (message) => message !== '',
      SLOWLY,
    );
    expect(said).toContain('Host key verification failed');
    expect(stored()).toBe(0);
    await knowing(server.knownHost);
    await remove(suite.cluster, volumeSnapshots, { namespace, name: 'elsewhere' });
    await until(
      'the VolumeSnapshot to be gone',
      async () => (await suite.cluster.client.get(volumeSnapshots, { namespace, name: 'elsewhere' }))?.metadata,
      (metadata) => metadata === undefined,
      SLOWLY,
    );
  },
  TEST_MS,
);

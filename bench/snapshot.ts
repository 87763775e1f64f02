/** A snapshot of a small volume, by the CSI driver of the class that is measured, and the SnapshotRestore that names it. */
import { claims } from '../src/api/resources.ts';
import { snapshotRestores } from '../src/api/snapshot-restore.ts';
import { volumeSnapshots } from '../src/api/snapshots.ts';
import { isBound, NAMESPACE, newClaim, restoreSource, snapshotSource } from './objects.ts';
import { allSeen } from './observer.ts';
import { poll, written } from './site.ts';
import type { Bench } from './subject.ts';

const ORIGIN = 'restore-origin';

/** There until it is disposed of; its origin goes with the next sweep. */
export async function provideSnapshot({ site, options }: Bench): Promise<AsyncDisposable> {
  const { client } = site;
  const bound = allSeen(site.claims, { what: 'the origin to be bound', names: [ORIGIN], wanted: isBound });
  written(await client.create(claims, newClaim({ name: ORIGIN, storageClass: options.storageClass })), ORIGIN);
  await bound;
  const { name } = snapshotSource;
  const metadata = { name, namespace: NAMESPACE };
  const snapshot = {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshot',
    metadata,
    spec: { volumeSnapshotClassName: 'csi-test', source: { persistentVolumeClaimName: ORIGIN } },
  };
  const { uid } = written(await client.create(volumeSnapshots, snapshot), 'VolumeSnapshot').metadata;
  await poll('the snapshot to be ready', async () => (await client.get(volumeSnapshots, metadata))?.status?.readyToUse);
  const restore = {
    apiVersion: 'volprime.dev/v1alpha1',
    kind: 'SnapshotRestore',
    metadata: { name: restoreSource.name, namespace: NAMESPACE },
    spec: { snapshotRef: { name } },
  };
  const made = written(await client.create(snapshotRestores, restore), 'SnapshotRestore');
  return {
    [Symbol.asyncDispose]: async () => {
      await client.delete(snapshotRestores, made.metadata, { uid: made.metadata.uid });
      await client.delete(volumeSnapshots, metadata, { uid });
      await poll('the snapshot to be gone', async () => (await client.get(volumeSnapshots, metadata)) === undefined);
    },
  };
}

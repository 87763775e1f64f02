/** A namespace can always be deleted: what ends the hold of a restore elsewhere on a VolumeSnapshot, on a real API server. No controller but ours runs. */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { PROTECTION_FINALIZER, SNAPSHOT_FINALIZER } from '../../src/api/names.ts';
import type { NewObject } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { type ReferenceGrant, referenceGrants } from '../../src/api/reference-grant.ts';
import { type VolumeSnapshot, volumeSnapshots } from '../../src/api/snapshots.ts';
import { InformerRegistry } from '../../src/informer/index.ts';
import { keyOf } from '../../src/kube/index.ts';
import { createRestoreProtectionController } from '../../src/restore-protection/index.ts';
import { createMetrics } from '../../src/telemetry/index.ts';
import { ensureBinaries } from '../cluster/index.ts';
import { eventually } from '../support/eventually.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { customResourceDefinitions, done, ofThisRun } from './control-plane.ts';
import { SnapshotGround } from './snapshot-ground.ts';

jest.setTimeout(120_000);

let ground: SnapshotGround;
const end = new AbortController();
let running: Promise<unknown> = Promise.resolve();

beforeAll(async () => {
  ground = await SnapshotGround.create();
  await ground.installAllCrds();
  const crds = join(await ensureBinaries(() => {}), 'crds-provisioner');
  const text = readFileSync(join(crds, 'gateway.networking.k8s.io_referencegrants.yaml'), 'utf8');
  const crd = parse(text) as NewObject;
  await ground.client.create(customResourceDefinitions, { ...crd, metadata: { ...crd.metadata, labels: ofThisRun } });
  await eventually('ReferenceGrants to be served', () => ground.client.hasResource(referenceGrants));
  const logger = recordingLogger();
  const metrics = createMetrics();
  const informers = new InformerRegistry({ client: ground.client, logger, metrics });
  const options = { client: ground.client, informers, crossNamespace: true, logger, metrics };
  const controller = createRestoreProtectionController(options);
  running = Promise.all([
    informers.start(end.signal),
    informers.waitForSync(end.signal).then(() => controller.run(end.signal)),
  ]).catch((error: unknown) => {
    if (!end.signal.aborted) throw error;
  });
});
afterAll(async () => {
  end.abort();
  await running;
  await ground.close();
});

async function aGrant(namespace: string, asker: string): Promise<ReferenceGrant> {
  return done(
    await ground.client.create(referenceGrants, {
      apiVersion: 'gateway.networking.k8s.io/v1beta1',
      kind: 'ReferenceGrant',
      metadata: { name: 'grant', namespace },
      spec: {
        from: [{ group: 'volprime.dev', kind: 'SnapshotRestore', namespace: asker }],
        to: [{ group: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot' }],
      },
    }),
  );
}

/** As `prepare` leaves both: the record tells of the snapshot, then the snapshot is held. */
async function heldBy(asker: string, { namespace }: { readonly namespace: string }): Promise<VolumeSnapshot> {
  const snapshot = await ground.aSnapshot(namespace, 'nightly', { source: { persistentVolumeClaimName: 'db' } });
  const uid = `claim-${namespace}`;
  const record = done(
    await ground.client.create(populations, {
      apiVersion: 'volprime.dev/v1alpha1',
      kind: 'Population',
      metadata: { name: `volprime-${uid}`, namespace: asker, finalizers: [PROTECTION_FINALIZER] },
      spec: {
        claim: { name: 'data', uid },
        source: { group: 'volprime.dev', kind: 'SnapshotRestore', name: 'r' },
      },
    }),
  );
  const state = {
    route: 'Native',
    snapshot: { namespace, name: 'nightly', uid: snapshot.metadata.uid },
    home: 'volprime-populators',
  };
  const status = { prepared: { state } };
  done(await ground.client.mergePatch(populations, keyOf(record), { status }, { subresource: 'status' }));
  // The controller must know of the restore before it sees the hold.
  const finalizers = [SNAPSHOT_FINALIZER];
  return done(await ground.client.mergePatch(volumeSnapshots, keyOf(snapshot), { metadata: { finalizers } }));
}

test('attack: a restore whose class never provisions loses its hold with the grant', async () => {
  const [bob, alice] = [await ground.newNamespace(), await ground.newNamespace()];
  const grant = await aGrant(bob, alice);
  const snapshot = await heldBy(alice, { namespace: bob });
  await ground.delete(volumeSnapshots, snapshot);
  const held = await ground.snapshot(bob, 'nightly');
  expect(held?.metadata.finalizers).toContain(SNAPSHOT_FINALIZER);
  await ground.delete(referenceGrants, grant);
  await ground.gone(volumeSnapshots, snapshot);
});

test('attack: nor does it outlast the namespace of the snapshot, whose grants go with it', async () => {
  const [bob, alice] = [await ground.newNamespace(), await ground.newNamespace()];
  const grant = await aGrant(bob, alice);
  const snapshot = await heldBy(alice, { namespace: bob });
  // As the namespace controller does, which does not run here: everything in it is deleted, in any order.
  await ground.delete(referenceGrants, grant);
  await ground.delete(volumeSnapshots, snapshot);
  await ground.gone(volumeSnapshots, snapshot);
});

test('a restore in the namespace of the snapshot keeps its hold without a grant, until its record is deleted', async () => {
  const bob = await ground.newNamespace();
  const snapshot = await heldBy(bob, { namespace: bob });
  await ground.delete(volumeSnapshots, snapshot);
  expect((await ground.snapshot(bob, 'nightly'))?.metadata.finalizers).toContain(SNAPSHOT_FINALIZER);
  const [record] = (await ground.client.listPage(populations, { namespace: bob })).items;
  if (record === undefined) throw new Error('the record is gone');
  await ground.delete(populations, record);
  await ground.gone(volumeSnapshots, snapshot);
  await ground.client.mergePatch(populations, keyOf(record), { metadata: { finalizers: null } });
});

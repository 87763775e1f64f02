/** A real csi-snapshotter, with a driver of its own, runs for the name that a plugin of ours serves. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { defineSnapshotPlugin } from '../../src/sdk/index.ts';
import { directorySnapshots } from '../../samples/plugins/directory-snapshots/plugin.ts';
import { eventually } from '../support/eventually.ts';
import { SIDECAR_DRIVER, startCsiSnapshotter, type SnapshotControllerProcess } from '../support/snapshot-controller.ts';
import { type Controllers, SnapshotGround } from './snapshot-ground.ts';

jest.setTimeout(120_000);

let ground: SnapshotGround;
let sidecar: SnapshotControllerProcess | undefined;

beforeAll(async () => {
  ground = await SnapshotGround.create();
  await ground.installCrds();
  await ground.startUpstream();
});
afterAll(async () => {
  await sidecar?.stop();
  await ground.close();
});

const plugin = () => defineSnapshotPlugin({ ...directorySnapshots(ground.root), driver: SIDECAR_DRIVER });
const told = ({ drafts }: Controllers) => drafts.filter(({ reason }) => reason === 'ForeignSnapshotWriter');

async function aSnapshot() {
  const namespace = await ground.newNamespace();
  await ground.aClaim(namespace, 'data', { greeting: 'hello' });
  const volumeSnapshotClassName = await ground.aClass({ driver: SIDECAR_DRIVER });
  return ground.aSnapshot(namespace, 'first', {
    volumeSnapshotClassName,
    source: { persistentVolumeClaimName: 'data' },
  });
}

test('nobody is accused where we are alone with the snapshot controller', async () => {
  const ours = ground.start(plugin());
  const { metadata } = await aSnapshot();
  await ground.ready(metadata.namespace ?? '', 'first');
  expect(told(ours)).toEqual([]);
  await ours.stop();
});

test('a csi-snapshotter that came first is named, once, on the VolumeSnapshot', async () => {
  sidecar = await startCsiSnapshotter(ground.kubeconfig, ground.root);
  const { metadata } = await aSnapshot();
  const asked = await eventually(
    'the sidecar to have written to the content',
    () => ground.snapshot(metadata.namespace ?? '', 'first'),
    (snapshot) => snapshot?.status?.error?.message?.includes('Failed to create snapshot') === true,
  );
  const ours = ground.start(plugin());
  await eventually('our event', () => told(ours).length > 0);
  await eventually('our controllers to have looked at what the two wrote since', () =>
    ours.logger.lines.some(({ message }) => message === 'step done'),
  );
  expect(told(ours)).toEqual([
    expect.objectContaining({
      regarding: expect.objectContaining({ metadata: expect.objectContaining({ uid: asked?.metadata.uid }) }),
      type: 'Warning',
      note: expect.stringMatching(
        /^csi-snapshotter wrote to VolumeSnapshotContent snapcontent-.* serves driver csi\.test\.volprime\.dev may write/,
      ),
    }),
  ]);
});

/** VolumeSnapshots of a driver of ours, on a real API server and beside upstream's own snapshot controller. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { volumeSnapshotContents, volumeSnapshots } from '../../src/api/snapshots.ts';
import { eventually } from '../support/eventually.ts';
import { type Controllers, DRIVER, SnapshotGround } from './snapshot-ground.ts';

jest.setTimeout(120_000);

let ground: SnapshotGround;
let ours: Controllers;

beforeAll(async () => {
  ground = await SnapshotGround.create();
});
afterAll(() => ground.close());

test('scenario 36: without the kinds of snapshots the controllers run and are silent; when they come, the feature is on', async () => {
  ours = ground.start();
  await eventually('the controllers to run', () =>
    ours.logger.lines.some(({ message }) => message === 'controller started'),
  );
  await ground.installCrds();
  await ground.startUpstream();
  const namespace = await ground.newNamespace();
  const className = await ground.aClass();
  await ground.aClaim(namespace, 'data', { greeting: 'hello' });
  const asked = await ground.aSnapshot(namespace, 'first', {
    source: { persistentVolumeClaimName: 'data' },
    volumeSnapshotClassName: className,
  });
  const snapshot = await ground.ready(namespace, 'first');
  expect(snapshot?.status).toMatchObject({ readyToUse: true, restoreSize: '2Gi', creationTime: expect.any(String) });
  expect(snapshot?.status?.error).toBeUndefined();
  expect(readFileSync(join(ground.root, 'snapshots', asked.metadata.uid, 'greeting'), 'utf8')).toBe('hello');
  expect(ours.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test('scenario 16: policy Delete: with the VolumeSnapshot go its data, its content and our hold on it', async () => {
  const namespace = await ground.newNamespace();
  await ground.aClaim(namespace, 'data', { greeting: 'hello' });
  const asked = await ground.aSnapshot(namespace, 'first', {
    source: { persistentVolumeClaimName: 'data' },
    volumeSnapshotClassName: await ground.aClass(),
  });
  const ready = await ground.ready(namespace, 'first');
  const content = await eventually('the capture to be tidied up', () =>
    ground.content(ready?.status?.boundVolumeSnapshotContentName ?? ''),
  );
  expect(content).toMatchObject({
    spec: { driver: DRIVER },
    status: { snapshotHandle: `directory:${asked.metadata.uid}` },
  });
  await ground.delete(volumeSnapshots, asked);
  await ground.gone(volumeSnapshots, asked);
  if (content !== undefined) await ground.gone(volumeSnapshotContents, content);
  expect(existsSync(join(ground.root, 'snapshots', asked.metadata.uid))).toBe(false);
});

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { defineSnapshotPlugin } from 'volprime';
import { assertSnapshotsConform, checkSnapshotPlugin } from 'volprime/testing';
import { directorySnapshots } from './plugin.ts';

let root: string;
const source = { namespace: 'app', claim: 'data', claimUid: 'c', volume: 'pv-1', capacityBytes: 1 };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'directory-snapshots-'));
  await mkdir(join(root, 'volumes/pv-1'), { recursive: true });
  await writeFile(join(root, 'volumes/pv-1/greeting'), 'hello');
});
afterAll(() => rm(root, { recursive: true }));

test('keeps its promises', () => assertSnapshotsConform({ plugin: () => directorySnapshots(root), source }));

test('a plugin that forgets to delete is found out', async () => {
  const real = directorySnapshots(root);
  const lazy = defineSnapshotPlugin({ ...real, snapshotDelete: async () => true });
  const { problems } = await checkSnapshotPlugin({ plugin: () => lazy, source });
  expect(problems.map(({ rule }) => rule)).toContain(
    'a snapshot that is deleted twice is gone, and no import finds it',
  );
});

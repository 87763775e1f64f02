import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { defineSnapshotPlugin } from 'volprime';
import { checkSnapshotPlugin, describeReport, type SnapshotSubject } from 'volprime/testing';
import { parse } from 'yaml';
import { DRIVER, directorySnapshots } from './plugin.ts';

let root: string;
const source = { namespace: 'app', claim: 'data', claimUid: 'c', volume: 'pv-1', capacityBytes: 1 };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'directory-snapshots-'));
  await mkdir(join(root, 'volumes/pv-1'), { recursive: true });
  await writeFile(join(root, 'volumes/pv-1/greeting'), 'hello');
  await mkdir(join(root, 'snapshots'));
});
afterAll(() => rm(root, { recursive: true }));

/** The file server as the kit sees it: a file in the place of the directory is an export that cannot be read. */
const outside = {
  left: async () => (await readdir(join(root, 'snapshots')).catch(() => [])).length,
  fail: async () => {
    const [there, away] = [join(root, 'snapshots'), join(root, 'away')];
    await rename(there, away);
    await writeFile(there, '');
    return async () => {
      await rm(there);
      await rename(away, there);
    };
  },
};

function subjectOf(plugin: SnapshotSubject['plugin']): SnapshotSubject {
  return {
    plugin,
    source,
    failingSource: { ...source, volume: 'pv-of-nobody' },
    badParameters: [{ pool: 'fast' }],
    outside,
    limits: { stopMs: 200 },
  };
}

test('keeps its promises', async () => {
  const report = await checkSnapshotPlugin(subjectOf(() => directorySnapshots(root)));
  expect(describeReport(report)).toContain('keeps its promises: 11 rules held, 0 problems, 1 not tried');
  expect(report.skipped.map(({ why }) => why)).toEqual(['give outside.hang']);
});

test('a plugin that forgets to delete is found out', async () => {
  const real = directorySnapshots(root);
  const lazy = defineSnapshotPlugin({ ...real, snapshotDelete: async () => true });
  const { problems } = await checkSnapshotPlugin(subjectOf(() => lazy));
  expect(problems.map(({ rule }) => rule)).toContain(
    'a snapshot that is deleted twice is gone, and no import finds it',
  );
});

test('the class of the sample is of its driver', async () => {
  const text = await readFile(join(import.meta.dirname, 'class.yaml'), 'utf8');
  expect(parse(text)).toMatchObject({ kind: 'VolumeSnapshotClass', driver: DRIVER });
});

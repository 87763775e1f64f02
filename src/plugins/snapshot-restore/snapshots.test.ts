import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { resticInPath, type TestRepository, testRepository } from '../../../test/support/restic.ts';
import { makeTree } from '../../../test/support/tree.ts';
import { runPod } from '../../pod/index.ts';
import type { PodReport } from '../../sdk/index.ts';
import type { CaptureTask } from '../snapshot-capture/task.ts';
import type { RestoreTask } from './task.ts';

/** restic is built where this machine has none. */
jest.setTimeout(600_000);

let work: string;
let repository: TestRepository;
beforeAll(async () => {
  await resticInPath();
  work = mkdtempSync(join(tmpdir(), 'snapshots-'));
  repository = testRepository(work);
});
afterAll(() => rmSync(work, { recursive: true }));

const origin = { namespace: 'shop', claim: 'data', claimUid: 'claim-1' };

async function run(task: CaptureTask | RestoreTask, variables: object = repository.variables): Promise<PodReport> {
  const { signal } = new AbortController();
  return runPod({ variables: { ...variables, VOLPRIME_TASK: JSON.stringify(task) }, print: () => undefined, signal });
}

function capture(key: string, path: string, more: Partial<Extract<CaptureTask, { action: 'capture' }>> = {}) {
  return run({
    version: 1,
    plugin: 'snapshot-capture',
    action: 'capture',
    key,
    source: { path, kind: 'directory' },
    consistency: 'clone',
    origin,
    ...more,
  });
}

function ask(action: 'look' | 'verify' | 'forget', key: string) {
  return run({ version: 1, plugin: 'snapshot-capture', action, key });
}

function restore(key: string, path: string, more: Partial<RestoreTask> = {}) {
  return run({
    version: 1,
    plugin: 'snapshot-restore',
    attemptId: 'a',
    target: { path, kind: 'directory' },
    from: { type: 'repository', key },
    verify: true,
    ...more,
  });
}

function volume(name: string): string {
  const path = join(work, name);
  mkdirSync(path);
  return path;
}

describe('a tree of all that breaks copies', () => {
  let source: string;
  beforeAll(async () => {
    source = volume('source');
    await makeTree(source);
  });

  test('captured, restored and proven; and rsync, which knows nothing of the manifest, finds no difference either', async () => {
    expect(await capture('key-1', source)).toMatchObject({
      outcome: 'captured',
      capture: { changed: 0, files: expect.any(Number) },
    });
    const target = volume('target');
    writeFileSync(join(target, 'left-over'), 'of an attempt before');
    expect(await restore('key-1', target)).toMatchObject({
      outcome: 'succeeded',
      targets: [{ verification: 'manifest' }],
    });
    expect(differences(source, target)).toEqual([]);
    expect(statSync(join(target, 'sparse')).blocks * 512).toBeLessThan(5_000_000);
    expect(statSync(join(target, 'file')).ino).toBe(statSync(join(target, 'directory/hard-link')).ino);
  });

  test('its data, read where they lie, are what the manifest says', async () => {
    expect(await ask('verify', 'key-1')).toMatchObject({ outcome: 'captured', verified: true });
    expect(await ask('look', 'key-1')).toMatchObject({ outcome: 'captured', verified: false });
  });

  test('a directory of it becomes the volume', async () => {
    const target = volume('subtree');
    expect(await restore('key-1', target, { subtree: 'directory/' })).toMatchObject({ outcome: 'succeeded' });
    expect(readFileSync(join(target, 'deep/deeper/file'), 'utf8')).toBe('deep\n');
    expect(readFileSync(join(target, 'lost+found/ours'), 'utf8')).toBe('ours\n');
  });

  test('copied from one volume to another', async () => {
    const target = volume('copy');
    const from = { type: 'volume', place: { path: source, kind: 'directory' } } as const;
    expect(await restore('', target, { from })).toMatchObject({
      outcome: 'succeeded',
      targets: [{ verification: 'manifest' }],
    });
    expect(differences(source, target)).toEqual([]);
  });
});

/** What rsync would change; a socket without its program is not restored from a repository. */
function differences(source: string, target: string): string[] {
  const args = [
    '-aHAXSn',
    '--itemize-changes',
    '--numeric-ids',
    '--delete',
    '--exclude=/lost+found',
    '--exclude=/socket',
  ];
  const text = execFileSync('rsync', [...args, '--checksum', `${source}/`, `${target}/`], { encoding: 'latin1' });
  return text.split('\n').filter((line) => line !== '');
}

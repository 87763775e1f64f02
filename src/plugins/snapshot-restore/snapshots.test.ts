import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.ts';
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
let restic: string;
beforeAll(async () => {
  restic = await resticInPath();
  work = mkdtempSync(join(tmpdir(), 'snapshots-'));
  repository = testRepository(work);
});
afterAll(() => rmSync(work, { recursive: true }));

const origin = { namespace: 'shop', claim: 'data', claimUid: 'claim-1' };

interface Options {
  readonly variables: TestRepository['variables'];
}

async function run(task: CaptureTask | RestoreTask, { variables }: Options = repository): Promise<PodReport> {
  const { signal } = new AbortController();
  const nothing = () => undefined;
  // A directory of the test's own, which a second restore replaces.
  const state = { VOLPRIME_TARGET: 'was-empty', VOLPRIME_TASK: JSON.stringify(task) };
  return runPod({ variables: { ...variables, ...state }, print: nothing, announce: nothing, signal });
}

function capture(
  key: string,
  path: string,
  more: Partial<Extract<CaptureTask, { action: 'capture' }>> = {},
  options?: Options,
) {
  const task: CaptureTask = {
    version: 1,
    plugin: 'snapshot-capture',
    action: 'capture',
    key,
    source: { path, kind: 'directory' },
    consistency: 'clone',
    origin,
    ...more,
  };
  return run(task, options);
}

function ask(action: 'look' | 'verify' | 'forget', key: string, options?: Options) {
  return run({ version: 1, plugin: 'snapshot-capture', action, key }, options);
}

function restore(key: string, path: string, more: Partial<RestoreTask> = {}, options?: Options) {
  return run({ ...restoreTask(key, path), ...more }, options);
}

function restoreTask(key: string, path: string): RestoreTask {
  return {
    version: 1,
    plugin: 'snapshot-restore',
    attemptId: 'a',
    target: { path, kind: 'directory' },
    from: { type: 'repository', key: key === '' ? 'none' : key },
    verify: true,
  };
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

  test('what is not compared is counted by the manifest all the same', async () => {
    const figures = async (name: string, more: Partial<RestoreTask>) => {
      const report = await restore('key-1', volume(name), more);
      if (report.outcome !== 'succeeded') throw new Error(JSON.stringify(report));
      return report.targets.map(({ files, bytes }) => ({ files, bytes }));
    };
    expect(await figures('unread', { verify: false })).toEqual(await figures('read', {}));
    // With the one in lost+found, which is restored and not compared.
    const part = { subtree: 'directory', verify: false };
    expect(await figures('unread-part', part)).toEqual([{ files: 3, bytes: 18 }]);
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

describe('one capture after the other', () => {
  test('what has not changed is not stored again, and the first can go without the second', async () => {
    const source = volume('grows');
    writeFileSync(join(source, 'large'), randomBytes(5_000_000));
    expect(await capture('grow-1', source)).toMatchObject({ capture: { files: 1 } });
    writeFileSync(join(source, 'small'), 'new');
    const second = await capture('grow-2', source);
    expect(second).toMatchObject({ capture: { files: 2, bytes: 5_000_003 } });
    expect(second.outcome === 'captured' && second.capture.addedBytes).toBeLessThan(100_000);
    expect(await capture('grow-2', source)).toEqual(second);
    expect(await ask('forget', 'grow-1')).toEqual({ outcome: 'forgotten' });
    expect(await ask('forget', 'grow-1')).toEqual({ outcome: 'forgotten' });
    expect(await ask('look', 'grow-1')).toMatchObject({
      outcome: 'failed',
      reason: 'SnapshotNotFound',
      permanent: true,
    });
    expect(await restore('grow-1', volume('grown-1'))).toMatchObject({ reason: 'CaptureNotFound', permanent: true });
    expect(await restore('grow-2', volume('grown-2'))).toMatchObject({
      targets: [{ files: 2, verification: 'manifest' }],
    });
  });

  test('scenario 31: files that are written to during a live capture are told of, and the rest is proven', async () => {
    const source = volume('live');
    for (let index = 0; index < 300; index++) writeFileSync(join(source, `file-${index}`), randomBytes(100_000));
    const writer = spawn('/bin/sh', ['-c', `while :; do echo line >> ${source}/log; done`], { stdio: 'ignore' });
    try {
      await eventually('a log', () => existsSync(join(source, 'log')));
      const report = await capture('live-1', source, { consistency: 'live' });
      expect(report).toMatchObject({ outcome: 'captured', capture: { files: 301, changed: expect.any(Number) } });
      expect(report.outcome === 'captured' && report.capture.changed).toBeGreaterThanOrEqual(1);
    } finally {
      writer.kill('SIGKILL');
    }
    const target = volume('lived');
    expect(await restore('live-1', target)).toMatchObject({
      outcome: 'succeeded',
      targets: [{ verification: 'manifest' }],
    });
    expect(readFileSync(join(target, 'log'), 'utf8')).toMatch(/^line\n/);
  });
});

describe('what must never be bound', () => {
  test('scenario 33: a volume of a repository with a damaged pack', async () => {
    const source = volume('precious');
    writeFileSync(join(source, 'file'), randomBytes(300_000));
    const own = testRepository(join(work, 'damaged'));
    const options = { variables: own.variables };
    expect(await capture('key', source, {}, options)).toMatchObject({ outcome: 'captured' });
    const packs = execFileSync('find', [join(own.path, 'data'), '-type', 'f', '-size', '+200k'], { encoding: 'utf8' });
    for (const pack of packs.trim().split('\n')) {
      chmodSync(pack, 0o600);
      const bytes = readFileSync(pack);
      bytes[1000] = (bytes[1000] ?? 0) ^ 1;
      writeFileSync(pack, bytes);
    }
    const failed = { outcome: 'failed', reason: 'RepositoryDamaged' };
    expect(await restore('key', volume('not-bound'), {}, options)).toMatchObject(failed);
    expect(await ask('verify', 'key', options)).toMatchObject(failed);
  });

  test('a capture of which only the data were written is none; another attempt completes it', async () => {
    const source = volume('half');
    writeFileSync(join(source, 'file'), 'content');
    await capture('half', source);
    const manifests = repository.restic('snapshots', '--json', '--tag', 'volprime-key=half,volprime-part=manifest');
    for (const { id } of JSON.parse(manifests)) repository.restic('forget', id);
    expect(await ask('look', 'half')).toMatchObject({ reason: 'SnapshotNotFound' });
    expect(await restore('half', volume('halved'))).toMatchObject({ reason: 'CaptureNotFound' });
    expect(await capture('half', source)).toMatchObject({ outcome: 'captured' });
    expect(await restore('half', join(work, 'halved'))).toMatchObject({ outcome: 'succeeded' });
  });

  test('an empty volume is captured, again, checked, and empties the volume that it is restored into', async () => {
    const source = volume('empty');
    mkdirSync(join(source, 'lost+found'));
    chmodSync(source, 0o750);
    utimesSync(source, 1_600_000_000, 1_600_000_000);
    for (const key of ['empty', 'still-empty']) {
      const captured = { outcome: 'captured', capture: { files: 0, addedBytes: 0 } };
      expect(await capture(key, source, { origin: { ...origin, claimUid: 'claim-empty' } })).toMatchObject(captured);
      expect(await ask('verify', key)).toMatchObject({ outcome: 'captured', verified: true });
    }
    const target = volume('emptied');
    writeFileSync(join(target, 'file'), 'of an attempt before');
    const result = { outcome: 'succeeded', targets: [{ files: 0, bytes: 0, verification: 'manifest' }] };
    expect(await restore('empty', target)).toMatchObject(result);
    expect(readdirSync(target)).toEqual([]);
    expect([statSync(target).mode & 0o777, statSync(target).mtimeMs]).toEqual([0o750, 1_600_000_000_000]);
    expect(await ask('forget', 'empty')).toMatchObject({ outcome: 'forgotten' });
    expect(await ask('look', 'empty')).toMatchObject({ reason: 'SnapshotNotFound' });
    expect(await restore('still-empty', target)).toMatchObject(result);
  });

  test('a path that is not in the snapshot, or would leave it', async () => {
    const source = volume('paths');
    symlinkSync('/', join(source, 'link'));
    await capture('paths', source);
    const target = volume('no-path');
    for (const subtree of ['absent', 'link', 'link/etc']) {
      expect(await restore('paths', target, { subtree })).toMatchObject({ reason: 'PathNotInSnapshot' });
      const from = { type: 'volume', place: { path: source, kind: 'directory' } } as const;
      expect(await restore('', target, { subtree, from })).toMatchObject({ reason: 'PathNotInSnapshot' });
    }
    expect(await restore('paths', target, { subtree: '../x' })).toMatchObject({ reason: 'InvalidSource' });
  });

  test('scenario 22: a wrong password is final and not told', async () => {
    const own = testRepository(join(work, 'wrong'));
    const source = volume('any');
    await capture('key', source, {}, { variables: own.variables });
    writeFileSync(join(own.secretDir, 'password'), 'quite another');
    const report = await capture('other', source, {}, { variables: own.variables });
    expect(report).toMatchObject({ outcome: 'failed', reason: 'RepositoryPasswordWrong', permanent: true });
    expect(JSON.stringify(report)).not.toContain('another');
  });
});

(process.getuid?.() === 0 ? describe : describe.skip)('as root', () => {
  test('scenario 40: a block device, mostly zeros, onto a larger one that held something', async () => {
    const source = device('disk', 24);
    const target = device('larger', 33);
    const pattern = randomBytes(5_000_000);
    const fd = openSync(source, 'r+');
    writeSync(fd, pattern, 0, pattern.length, 8 * 1024 * 1024 + 512);
    closeSync(fd);
    execFileSync('dd', ['if=/dev/urandom', `of=${target}`, 'bs=1M', 'count=33', 'status=none']);
    const asDevice = (path: string) => ({ path, kind: 'device' }) as const;
    const report = await capture('device', source, { source: asDevice(source) });
    expect(report).toMatchObject({ outcome: 'captured', capture: { bytes: 24 * 1024 * 1024 } });
    expect(report.outcome === 'captured' && report.capture.addedBytes).toBeLessThan(6_000_000);
    expect(await ask('verify', 'device')).toMatchObject({ verified: true });
    const expected = Buffer.concat([readFileSync(source), Buffer.alloc(9 * 1024 * 1024)]);
    expect(await restore('device', target, { target: asDevice(target) })).toMatchObject({ outcome: 'succeeded' });
    expect(readFileSync(target).equals(expected)).toBe(true);
    execFileSync('dd', ['if=/dev/urandom', `of=${target}`, 'bs=1M', 'count=33', 'status=none']);
    const from = { type: 'volume', place: asDevice(source) } as const;
    expect(await restore('', target, { target: asDevice(target), from })).toMatchObject({ outcome: 'succeeded' });
    expect(readFileSync(target).equals(expected)).toBe(true);
    const smaller = device('smaller', 16);
    expect(await restore('device', smaller, { target: asDevice(smaller) })).toMatchObject({ reason: 'VolumeFull' });
    expect(await restore('device', volume('directory'))).toMatchObject({ reason: 'VolumeModeMismatch' });
  });

  test('a populator without root restores all but owners, and proves that', async () => {
    const source = volume('owned');
    await makeTree(source, { many: 20 });
    // A device, and what its own owner may not read, are for root alone.
    rmSync(join(source, 'null'));
    chmodSync(join(source, 'empty-file'), 0o400);
    await capture('unprivileged', source);
    const target = volume('unprivileged');
    execFileSync('chown', ['-R', '65532:65532', target, join(work, 'claim'), join(work, 'secret')]);
    chmodSync(work, 0o755);
    const task = restoreTask('unprivileged', target);
    const report = asNobody(task);
    expect(report).toMatchObject({ outcome: 'succeeded', targets: [{ verification: 'manifest' }] });
    expect(statSync(join(target, 'random'))).toMatchObject({ uid: 65_532, size: 3_000_000 });
  });
});

const loops: string[] = [];
afterAll(() => {
  for (const loop of loops) execFileSync('losetup', ['--detach', loop]);
});

function device(name: string, mebibytes: number): string {
  const file = join(work, name);
  execFileSync('truncate', ['-s', `${mebibytes}M`, file]);
  const loop = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
  loops.push(loop);
  return loop;
}

/** In a process of its own, as the restricted profile runs it. */
function asNobody(task: RestoreTask): unknown {
  const report = join(work, 'report');
  writeFileSync(report, '');
  chownSync(report, 65_532, 65_532);
  const ids = ['--reuid', '65532', '--regid', '65532', '--clear-groups', '--no-new-privs'];
  const main = join(import.meta.dirname, '../../pod/main.ts');
  // What builds it may keep it where only root can go.
  copyFileSync(restic, join(work, 'restic'));
  const env = {
    PATH: `${work}:${process.env['PATH']}`,
    ...repository.variables,
    VOLPRIME_TASK: JSON.stringify(task),
    VOLPRIME_REPORT_PATH: report,
  };
  spawnSync('setpriv', [...ids, process.execPath, main], { env, stdio: 'ignore' });
  return JSON.parse(readFileSync(report, 'utf8'));
}

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

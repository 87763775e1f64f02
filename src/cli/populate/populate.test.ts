/** The command as a person has it: the real program, a real server, a real directory, and where it counts a real terminal. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ArchiveServer, startArchiveServer } from '../../../test/support/archive-server.ts';
import { paxHeader, tar } from '../../../test/support/archives.ts';
import { childrenOfTests } from '../../../test/support/child-processes.ts';
import { createAuthority } from '../../../test/support/certificates.ts';
import { lockDirectory } from '../../extract/write/target-lock.ts';
import { GRACE_SECONDS } from '../../pods/index.ts';
import { lastProgress, parsePodReport } from '../../sdk/index.ts';

jest.setTimeout(60_000);

const archive = tar([{ name: 'sub/a', data: 'x'.repeat(60_000) }]);
const digest = `sha256:${createHash('sha256').update(archive).digest('hex')}`;
const program = join(import.meta.dirname, '..', 'main.ts');
// Before what follows: hooks run in this order, and a directory goes when nobody writes to it any more.
const ofTest = childrenOfTests();
let work: string;
let target: string;
let url: string;
let server: ArchiveServer;

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'cli-'));
  target = join(work, 'target');
  server = await startArchiveServer({ host: '127.0.0.1', routes: { '/a.tar': { body: archive } } });
  url = `${server.url}/a.tar`;
});
afterEach(async () => {
  await server.close();
  rmSync(work, { recursive: true });
});

function start(args: readonly string[], { input = '', cwd = work } = {}) {
  const child = ofTest(
    spawn(process.execPath, [program, 'populate', ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] }),
  );
  child.stdin.on('error', () => undefined).end(input);
  return { child, ended: endOf(child) };
}

/** In a terminal of its own, whose size it can see and whose keys are what is written to standard input. */
function startOnTerminal(args: readonly string[]) {
  const quoted = [process.execPath, program, 'populate', ...args].map((word) => `'${word}'`).join(' ');
  const command = `stty cols 100; ${quoted}`;
  const child = ofTest(spawn('script', ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'] }));
  return { child, ended: endOf(child) };
}

async function endOf(child: ChildProcess) {
  if (child.stdout === null || child.stderr === null) throw new Error('the program has no output');
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { out, err, code: code as unknown, report: parsePodReport(out.trimEnd().split('\n').at(-1)) };
}

const run = (...args: readonly string[]) => start(args).ended;
const fromUrl = (...args: readonly string[]) => run('--url', url, '--target', target, ...args);

function file(content: string): string {
  const path = join(work, 'manifest.yaml');
  writeFileSync(path, content);
  return path;
}
const provider = (spec: object, name = 'a') =>
  JSON.stringify({ apiVersion: 'provider.example.com/v1', kind: 'Provider', metadata: { name }, spec });
const claim = 'apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n';

describe('from a URL', () => {
  test('fills a directory that is made for it, and reports in JSON where there is no terminal', async () => {
    server.set('/a.tar', { body: archive, bytesPerSecond: 40_000 });
    const { out, code, report } = await fromUrl('--extract-path', '/data', '--checksum', digest);
    expect(code).toBe(0);
    expect(report).toMatchObject({ outcome: 'succeeded', targets: [{ digest, files: 1, verification: 'checksum' }] });
    expect(lastProgress(out)).toMatchObject({ bytesTotal: archive.length });
    for (const line of out.trimEnd().split('\n')) expect(JSON.parse(line)).toBeInstanceOf(Object);
    expect(readFileSync(join(target, 'data/sub/a'), 'utf8')).toBe('x'.repeat(60_000));
  });

  test('takes the fields of a Provider as flags', async () => {
    const mirror = ['--mirror', `${url}.missing`, '--mirror', url];
    const flags = ['--format', 'Tar', '--strip-components', '1', '--include', 'a', '--exclude', 'b', '--exclude', 'c'];
    const { code } = await run('--url', `${url}.gone`, ...mirror, ...flags, '--target', target);
    expect([code, readdirSync(target)]).toEqual([0, ['a']]);
  });

  test('trusts the certificates of a file', async () => {
    const authority = createAuthority(work);
    const tls = authority.issue('server');
    await using secure = await startArchiveServer({ host: '127.0.0.1', tls, routes: { '/a.tar': { body: archive } } });
    const args = ['--url', `${secure.url}/a.tar`, '--target', target, '--ca-bundle', authority.file];
    expect(await run(...args)).toMatchObject({ code: 0 });
  });

  test('sends the credentials of a directory, and shows them nowhere', async () => {
    mkdirSync(join(work, 'login'));
    writeFileSync(join(work, 'login/hosts'), server.url);
    writeFileSync(join(work, 'login/token'), 'geheim\n');
    server.set('/a.tar', { body: archive, authorization: 'Bearer geheim' });
    const { out, err, code } = await fromUrl('--credentials', join(work, 'login'));
    expect(code).toBe(0);
    expect(out + err).not.toContain('geheim');
  });
});

describe('from a Provider', () => {
  test('takes it out of a file that holds other objects, too', async () => {
    const path = file([claim, provider({ sourceURL: url, extractPath: '/x' }), claim].join('\n---\n'));
    expect(await run('-f', path, '--target', target)).toMatchObject({ code: 0 });
    expect(readdirSync(target)).toEqual(['x']);
  });

  test('takes the one that is named, from standard input', async () => {
    const input = [provider({ sourceURL: `${url}.missing` }), provider({ sourceURL: url }, 'b')].join('\n---\n');
    const { ended } = start(['-f', '-', '--provider', 'b', '--target', target], { input });
    expect(await ended).toMatchObject({ code: 0 });
  });

  test('refuses one that cannot be right, before anything is made', async () => {
    const { code, report } = await run('-f', file(provider({})), '--target', target);
    expect([code, report]).toEqual([2, expect.objectContaining({ reason: 'InvalidSource' })]);
    expect(existsSync(target)).toBe(false);
  });

  test('refuses an image for a directory', async () => {
    const { code, report } = await run('-f', file(provider({ sourceURL: url, format: 'Raw' })), '--target', target);
    expect([code, report]).toEqual([2, expect.objectContaining({ reason: 'InvalidTarget' })]);
    expect(existsSync(target)).toBe(false);
  });
});

describe('the directory', () => {
  const content = () => {
    mkdirSync(join(target, 'ours'), { recursive: true });
    writeFileSync(join(target, 'ours/file'), 'ours');
  };

  test('that is not empty is left alone, and nothing is asked of the network', async () => {
    content();
    const { code, report } = await fromUrl();
    expect([code, report]).toEqual([2, expect.objectContaining({ reason: 'VolumeNotEmpty' })]);
    expect(readFileSync(join(target, 'ours/file'), 'utf8')).toBe('ours');
    expect(server.requests).toEqual([]);
  });

  test('that somebody else fills is left to them, whatever was said', async () => {
    content();
    await using _ = await lockDirectory(target);
    for (const flags of [
      ['--on-existing', 'Clean'],
      ['--on-existing', 'Merge'],
    ]) {
      expect(await fromUrl(...flags)).toMatchObject({ code: 1, report: { reason: 'VolumeBusy' } });
    }
    expect(readFileSync(join(target, 'ours/file'), 'utf8')).toBe('ours');
  });

  test('is not cleaned for an image, which goes onto a device', async () => {
    content();
    expect(await fromUrl('--format', 'Raw', '--on-existing', 'Clean')).toMatchObject({
      code: 2,
      report: { reason: 'InvalidTarget' },
    });
    expect(readFileSync(join(target, 'ours/file'), 'utf8')).toBe('ours');
  });

  test('is cleaned where that is asked for', async () => {
    content();
    expect(await fromUrl('--on-existing', 'Clean')).toMatchObject({ code: 0 });
    expect(readdirSync(target)).toEqual(['sub']);
  });

  test('is added to where that is asked for, and left as it is when that fails', async () => {
    content();
    expect(await fromUrl('--on-existing', 'Merge')).toMatchObject({ code: 0 });
    expect(readdirSync(target).sort()).toEqual(['ours', 'sub']);
    server.set('/a.tar', { body: archive, cutAfter: 30_000 });
    const { code, err } = await fromUrl('--on-existing', 'Merge');
    expect([code, err]).toEqual([1, expect.stringContaining('is still there, among what was there before')]);
    expect(readFileSync(join(target, 'ours/file'), 'utf8')).toBe('ours');
  });

  test('is treated as the Provider says, unless the flag says otherwise', async () => {
    content();
    const path = file(provider({ sourceURL: url, onExisting: 'Merge' }));
    expect(await run('-f', path, '--target', target, '--on-existing', 'Fail')).toMatchObject({ code: 2 });
    expect(await run('-f', path, '--target', target)).toMatchObject({ code: 0 });
    expect(readdirSync(target).sort()).toEqual(['ours', 'sub']);
  });

  test('with the rest of a run that was killed is taken for empty', async () => {
    const gate = server.gate();
    server.set('/a.tar', { body: archive, gate, gateAfter: 30_000 });
    const { child, ended } = start(['--url', url, '--target', target]);
    await gate.reached;
    child.kill('SIGKILL');
    await ended;
    expect(readdirSync(target)).not.toEqual([]);
    server.set('/a.tar', { body: archive });
    expect(await fromUrl()).toMatchObject({ code: 0 });
    expect(readdirSync(target)).toEqual(['sub']);
  });

  test.each(['.', '..'])('%s is not cleaned, whatever was said: the shell stands in it', async (path) => {
    mkdirSync(target);
    writeFileSync(join(work, 'file'), 'ours');
    const { ended } = start(['--url', url, '--target', path, '--on-existing', 'Clean'], { cwd: target });
    expect(await ended).toMatchObject({ code: 2, report: { reason: 'InvalidTarget' } });
    expect(existsSync(join(work, 'file'))).toBe(true);
  });

  test('that is a file is refused', async () => {
    writeFileSync(target, '');
    const { code, report } = await fromUrl();
    expect([code, report]).toEqual([2, expect.objectContaining({ reason: 'InvalidTarget' })]);
  });
});

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;
asRoot('a block device', () => {
  let device: string;
  beforeEach(() => {
    const disk = join(work, 'disk');
    execFileSync('truncate', ['-s', '1M', disk]);
    device = execFileSync('losetup', ['--find', '--show', disk], { encoding: 'utf8' }).trim();
  });
  afterEach(() => void execFileSync('losetup', ['--detach', device]));

  test('takes an image, once it was said that what is on it may go', async () => {
    const args = ['--url', url, '--format', 'Raw', '--target', device];
    expect(await run(...args)).toMatchObject({ code: 2, report: { reason: 'VolumeNotEmpty' } });
    expect(await run(...args, '--on-existing', 'Clean')).toMatchObject({ code: 0 });
    expect(readFileSync(device).subarray(0, archive.length).equals(archive)).toBe(true);
  });
});

describe('a failure', () => {
  test('leaves an empty directory empty, and takes one away that was made', async () => {
    server.set('/a.tar', { body: archive, cutAfter: 30_000 });
    mkdirSync(target);
    expect(await fromUrl()).toMatchObject({ code: 1, err: expect.stringContaining(`${target} is left empty`) });
    expect(readdirSync(target)).toEqual([]);
    const made = join(work, 'new/deep');
    expect(await run('--url', url, '--target', made)).toMatchObject({ code: 1 });
    expect(readdirSync(work)).toEqual(['target']);
  });

  test('that no other try can mend ends with 2', async () => {
    const { code, report, err } = await fromUrl('--checksum', `sha256:${'0'.repeat(64)}`);
    expect([code, report]).toEqual([2, expect.objectContaining({ reason: 'ChecksumMismatch' })]);
    expect(err).toContain(digest);
    expect(existsSync(target)).toBe(false);
  });

  test.each([
    ['no source', ['--target', 'x'], '--url'],
    ['a field beside a file', ['-f', 'x', '--checksum', 'x', '--target', 'x'], 'cannot be used with'],
    ['an unknown flag', ['--url', 'http://x/', '--target', 'x', '--nope'], '--nope'],
    ['an unknown choice', ['--url', 'http://x/', '--target', 'x', '--on-existing', 'Ask'], 'Fail, Clean, Merge'],
  ])('of the flags (%s) is told, with 2', async (_what, args, words) => {
    const { code, err } = await run(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(words)]);
  });
});

describe('told to stop', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 1],
  ] as const)('by %s, removes what was written and ends with %d', async (signal, code) => {
    const gate = server.gate();
    server.set('/a.tar', { body: archive, gate, gateAfter: 30_000 });
    const { child, ended } = start(['--url', url, '--target', target]);
    await gate.reached;
    child.kill(signal);
    expect(await ended).toMatchObject({ code, report: { reason: 'Interrupted' } });
    expect(existsSync(target)).toBe(false);
  });
});

test('stopped among many entries, it ends before a pod would be killed, and leaves nothing behind', async () => {
  const body = gzipSync(tar(Array.from({ length: 100_000 }, (_, index) => ({ name: `d/${index % 5000}` }))));
  const gate = server.gate();
  server.set('/a.tar', { body, gate, gateAfter: body.length - 1 });
  const { child, ended } = start(['--url', url, '--target', target, '--exclude', `${'*-'.repeat(100)}*.log`]);
  await gate.reached;
  gate.open();
  child.kill('SIGTERM');
  const grace = setTimeout(() => child.kill('SIGKILL'), GRACE_SECONDS * 1000);
  expect(await ended).toMatchObject({ code: 1, report: { reason: 'Interrupted' } });
  clearTimeout(grace);
  expect(existsSync(target)).toBe(false);
});

test('is held by the same budgets', async () => {
  const target40 = `${'x/'.repeat(800)}${'../'.repeat(800)}l`;
  const link = (name: string) => [paxHeader({ path: name, linkpath: target40 }), { name: 'x', type: '2' }];
  server.set('/a.tar', {
    body: tar(Array.from({ length: 200 }, (_, index) => link(index === 0 ? 'l' : `m${index}`)).flat()),
  });
  const { code, report } = await run('--url', url, '--target', target);
  expect([code, report]).toEqual([
    2,
    expect.objectContaining({ reason: 'LimitExceeded', message: expect.stringContaining('steps for symbolic links') }),
  ]);
});

describe('on a terminal', () => {
  test('shows how far it is in one line, and the outcome in words', async () => {
    server.set('/a.tar', { body: archive, bytesPerSecond: 30_000 });
    const { out, code } = await startOnTerminal(['--url', url, '--target', target]).ended;
    expect(code).toBe(0);
    const lines = out.replaceAll('\r\u001B[K', '\n').split(/\r?\n/);
    expect(lines).toContainEqual(expect.stringMatching(/^ *\d+% \[[#.]+\] [\d.]+ KiB of 60\.5 KiB {2}\d files?/));
    expect(lines).toContainEqual(expect.stringMatching(/^done: 1 file from 60\.5 KiB in \d+ s; sha256:/));
    for (const line of lines.filter((it) => it.includes('%'))) expect(line.length).toBeLessThan(100);
  });

  test('Ctrl-C ends it, with nothing left behind', async () => {
    const gate = server.gate();
    server.set('/a.tar', { body: archive, gate, gateAfter: 30_000 });
    const { child, ended } = startOnTerminal(['--url', url, '--target', target]);
    await gate.reached;
    child.stdin.write('\u0003');
    const { out, code } = await ended;
    expect(code).toBe(130);
    expect(out).toContain(`${target} was removed again`);
    expect(existsSync(target)).toBe(false);
  });

  test('says in words what is wrong', async () => {
    const { out, code } = await startOnTerminal(['--url', `${url}.missing`, '--target', target]).ended;
    expect(code).toBe(2);
    expect(out).toContain(`failed: ${url}.missing answered with status 404: nothing is there. (SourceNotFound)`);
  });
});

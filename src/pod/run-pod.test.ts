import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ArchiveServer, startArchiveServer } from '../../test/support/archive-server.ts';
import { tar } from '../../test/support/archives.ts';
import { jobOf, memorySource } from '../../test/support/extraction.ts';
import { silent } from '../../test/support/silent-logger.ts';
import { populate } from '../extract/populate.ts';
import { childrenOfTests } from '../../test/support/child-processes.ts';
import type { TargetState } from '../api/populator-program.ts';
import { TASK_VERSION } from '../plugins/download-and-extract/task.ts';
import { lastProgress, parsePodReport, type PodReport } from '../sdk/index.ts';
import { exitCodeOf, failureReport, writeReport } from './report.ts';
import { runPod } from './run-pod.ts';

const archive = tar([{ name: 'a', data: 'x'.repeat(60_000) }]);
// Before what follows: hooks run in this order, and a directory goes when nobody writes to it any more.
const ofTest = childrenOfTests();
let work: string;
let server: ArchiveServer;

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'pod-'));
  mkdirSync(join(work, 'volume'));
  server = await startArchiveServer({ host: '127.0.0.1', routes: { '/a.tar': { body: archive } } });
});
afterEach(async () => {
  await server.close();
  rmSync(work, { recursive: true });
});

const task = (spec: object = {}) =>
  JSON.stringify({
    version: TASK_VERSION,
    plugin: 'download-and-extract',
    attemptId: 'u-1',
    targets: [{ path: join(work, 'volume'), kind: 'directory', spec: { sourceURL: `${server.url}/a.tar`, ...spec } }],
  });

async function run(VOLPRIME_TASK: string | undefined, state?: TargetState, signal = new AbortController().signal) {
  const lines: string[] = [];
  const early: PodReport[] = [];
  const report = await runPod({
    variables: { VOLPRIME_TASK, ...(state !== undefined && { VOLPRIME_TARGET: state }) },
    print: (line) => void lines.push(line),
    announce: (said) => void early.push(said),
    signal,
  });
  return { report, log: lines.join('\n'), early };
}

describe('runPod', () => {
  test('reports what it populated', async () => {
    const { report, log } = await run(task());
    expect(report).toMatchObject({ outcome: 'succeeded', targets: [{ bytes: archive.length, files: 1 }] });
    expect(log).toMatch(/INFO populating attempt=u-1 targets=1\n/);
  });

  test('reports why it did not', async () => {
    const { report, log } = await run(task({ sourceURL: `${server.url}/missing?key=geheim` }));
    expect(report).toMatchObject({ outcome: 'failed', reason: 'SourceNotFound', permanent: true });
    expect(log).toContain('SourceNotFound');
    expect(log + JSON.stringify(report)).not.toContain('geheim');
  });

  test('hands on when to come back', async () => {
    server.set('/a.tar', { status: 503, headers: { 'retry-after': '60' } });
    expect((await run(task())).report).toMatchObject({ reason: 'SourceBusy', permanent: false, retryAfterMs: 60_000 });
  });

  test.each([
    ['missing', undefined, 'is not set'],
    ['not JSON', '{', 'not a task that this populator knows'],
    ['of another version', '{"version":1}', 'not a task that this populator knows'],
  ])('refuses a task that is %s', async (_what, variable, words) => {
    const { report } = await run(variable);
    expect(report).toMatchObject({ reason: 'InvalidTask', permanent: true, message: expect.stringContaining(words) });
  });
});

describe('content that was there before the first attempt', () => {
  const foreign = (name = 'precious') => writeFileSync(join(work, 'volume', name), 'theirs');
  const left = () => readdirSync(join(work, 'volume')).sort();

  test.each(['Clean', 'Fail', 'Merge'])(
    'is refused before anything is written or removed (onExisting: %s)',
    async (onExisting) => {
      foreign();
      const { report, early } = await run(task({ onExisting, extractPath: '/deep' }));
      expect(report).toMatchObject({ reason: 'VolumeNotEmpty', permanent: true, found: 'content' });
      expect(early).toEqual([]);
      expect(left()).toEqual(['precious']);
    },
  );

  test('is refused also where the source does not exist, which is asked later', async () => {
    foreign();
    expect((await run(task({ sourceURL: `${server.url}/missing` }))).report).toMatchObject({
      reason: 'VolumeNotEmpty',
    });
    expect(left()).toEqual(['precious']);
  });

  test('is refused although it bears a mark of ours: anybody who shares the directory can write one', async () => {
    foreign('.volprime-unfinished');
    expect((await run(task({ onExisting: 'Fail' }))).report).toMatchObject({ reason: 'VolumeNotEmpty' });
  });

  test('is no content where the file system made it', async () => {
    mkdirSync(join(work, 'volume/lost+found'));
    expect((await run(task())).report).toMatchObject({ outcome: 'succeeded', found: 'empty' });
    expect(left()).toEqual(['a', 'lost+found']);
  });

  test('stays where the class allows content, and is never removed for a later attempt', async () => {
    foreign();
    const { report, early } = await run(task(), 'may-hold-content');
    expect(early).toEqual([{ outcome: 'unfinished', found: 'content' }]);
    expect(report).toMatchObject({ outcome: 'succeeded', found: 'content' });
    expect(left()).toEqual(['a', 'precious']);
    expect((await run(task(), 'held-content')).report).toMatchObject({ outcome: 'succeeded' });
    expect(left()).toEqual(['a', 'precious']);
    expect((await run(task({ onExisting: 'Fail' }), 'held-content')).report).toMatchObject({
      reason: 'VolumeNotEmpty',
    });
  });

  test('is the rest of an earlier attempt where the record says that the volume was empty', async () => {
    foreign();
    const { report, early } = await run(task({ onExisting: 'Merge' }), 'was-empty');
    expect(report).toMatchObject({ outcome: 'succeeded' });
    expect(report).not.toHaveProperty('found');
    expect(early).toEqual([]);
    expect(left()).toEqual(['a']);
  });

  test('that comes between the look and the first write is not removed', async () => {
    const [, path] = [foreign(), join(work, 'volume')];
    await expect(
      populate(jobOf(path, { target: { kind: 'directory', path, extractPath: '/', prior: 'empty' } }), {
        openSource: async () => memorySource(archive, archive.length),
        logger: silent,
        onProgress: () => undefined,
        signal: new AbortController().signal,
      }),
    ).rejects.toMatchObject({ code: 'VolumeNotEmpty' });
    expect(left()).toEqual(['precious']);
  });

  test('is looked for by the task that does nothing else', async () => {
    const inspect = JSON.stringify({ version: 1, plugin: 'inspect', path: join(work, 'volume') });
    expect((await run(inspect)).report).toEqual({ outcome: 'inspected', found: 'empty' });
    foreign();
    expect((await run(inspect)).report).toMatchObject({ reason: 'VolumeNotEmpty', found: 'content' });
    expect(left()).toEqual(['precious']);
  });

  test('a state that this populator does not know is refused before anything is removed', async () => {
    foreign();
    expect((await run(task(), 'clean' as TargetState)).report).toMatchObject({ reason: 'InvalidTask' });
    expect(left()).toEqual(['precious']);
  });
});

describe('the report', () => {
  test('replaces the early one in one write, whichever is longer', () => {
    const path = join(work, 'report');
    const long: PodReport = {
      outcome: 'failed',
      reason: 'X',
      message: 'x'.repeat(500),
      permanent: true,
      found: 'empty',
    };
    for (const report of [long, { outcome: 'unfinished', found: 'empty' }, long] satisfies PodReport[]) {
      writeReport(path, report);
      expect(parsePodReport(readFileSync(path, 'utf8'))).toEqual(report);
    }
  });

  test('fits into a termination message, whatever the error says', () => {
    for (const character of ['x', '€', '\u0001', '"', '😀']) {
      const path = join(work, 'report');
      const report = failureReport(new Error(character.repeat(10_000)));
      writeReport(path, report);
      expect(readFileSync(path).length).toBeLessThanOrEqual(4096);
      expect(parsePodReport(readFileSync(path, 'utf8'))).toEqual(report);
    }
  });

  test('of an error that nobody foresaw asks for another attempt', () => {
    const report = failureReport(new TypeError('oops'));
    expect(report).toMatchObject({ reason: 'PopulatorFailed', message: 'TypeError: oops', permanent: false });
    expect(exitCodeOf(report)).toBe(1);
  });
});

describe('the process', () => {
  jest.setTimeout(60_000);
  const start = (variables: Readonly<Record<string, string>>) => {
    const env = { PATH: process.env['PATH'] ?? '', VOLPRIME_REPORT_PATH: join(work, 'report'), ...variables };
    const child = ofTest(
      spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], { env, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    const output = Promise.all([text(child.stdout), text(child.stderr)]).then((texts) => texts.join(''));
    return { child, output, exit: once(child, 'close').then(([code]: unknown[]) => code) };
  };
  const report = () => parsePodReport(readFileSync(join(work, 'report'), 'utf8'));

  test('ends with 0 and a report when all is well, with a progress line for each second', async () => {
    server.set('/a.tar', { body: archive, bytesPerSecond: 40_000 });
    const { exit, output } = start({ VOLPRIME_TASK: task() });
    expect(await exit).toBe(0);
    expect(report()).toMatchObject({ outcome: 'succeeded' });
    expect(lastProgress(await output)).toMatchObject({ bytesTotal: archive.length });
  });

  test('ends with 1 when another attempt may help, with 2 when none can', async () => {
    server.set('/a.tar', { status: 500 });
    expect(await start({ VOLPRIME_TASK: task() }).exit).toBe(1);
    server.set('/a.tar', { status: 404 });
    expect(await start({ VOLPRIME_TASK: task() }).exit).toBe(2);
    expect(report()).toMatchObject({ reason: 'SourceNotFound' });
  });

  test('told to stop, ends at once and says so', async () => {
    const gate = server.gate();
    server.set('/a.tar', { body: archive, gate, gateAfter: 1000 });
    const { child, exit } = start({ VOLPRIME_TASK: task() });
    await gate.reached;
    child.kill('SIGTERM');
    expect(await exit).toBe(1);
    expect(report()).toMatchObject({ outcome: 'failed', reason: 'Interrupted', permanent: false });
  });

  test('dials public addresses alone where the pod says so, and those that it adds', async () => {
    server.set('/a.tar', { body: archive });
    const only = { VOLPRIME_TASK: task(), VOLPRIME_ADDRESSES: 'public' };
    expect(await start(only).exit).toBe(2);
    expect(report()).toMatchObject({ reason: 'AddressNotAllowed', permanent: true });
    expect(server.requests).toEqual([]);
    expect(await start({ ...only, VOLPRIME_ADDRESSES: 'private' }).exit).toBe(2);
    expect(report()).toMatchObject({ reason: 'InvalidTask' });
    expect(await start({ ...only, VOLPRIME_ALLOWED_ADDRESSES: '10.0.0.0/8,127.0.0.0/8' }).exit).toBe(0);
  });

  test('killed in the middle of its work, it has said before its first write what it found', async () => {
    const gate = server.gate();
    server.set('/a.tar', { body: archive, gate, gateAfter: 30_000 });
    const { child, exit } = start({ VOLPRIME_TASK: task() });
    await gate.reached;
    child.kill('SIGKILL');
    expect(await exit).toBeNull();
    expect(report()).toEqual({ outcome: 'unfinished', found: 'empty' });
  });

  test('reads the credentials where it is told to', async () => {
    mkdirSync(join(work, 'secret'));
    writeFileSync(join(work, 'secret/hosts'), server.url);
    writeFileSync(join(work, 'secret/token'), 'geheim');
    server.set('/a.tar', { body: archive, authorization: 'Bearer geheim' });
    const spec = { secretRef: { name: 'x' } };
    const { exit, output } = start({ VOLPRIME_TASK: task(spec), VOLPRIME_CREDENTIALS_DIR: join(work, 'secret') });
    expect(await exit).toBe(0);
    expect(await output).not.toContain('geheim');
  });
});

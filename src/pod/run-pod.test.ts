import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ArchiveServer, startArchiveServer } from '../../test/support/archive-server.ts';
import { tar } from '../../test/support/archives.ts';
import { childrenOfTests } from '../../test/support/child-processes.ts';
import { TASK_VERSION } from '../plugins/download-and-extract/task.ts';
import { lastProgress, parsePodReport } from '../sdk/index.ts';
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

async function run(VOLPRIME_TASK: string | undefined, signal = new AbortController().signal) {
  const lines: string[] = [];
  const report = await runPod({ variables: { VOLPRIME_TASK }, print: (line) => void lines.push(line), signal });
  return { report, log: lines.join('\n') };
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

describe('the report', () => {
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
    expect(await start({ ...only, VOLPRIME_ALLOWED_ADDRESSES: '10.0.0.0/8,127.0.0.0/8' }).exit).toBe(0);
    expect(await start({ ...only, VOLPRIME_ADDRESSES: 'private' }).exit).toBe(2);
    expect(report()).toMatchObject({ reason: 'InvalidTask' });
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

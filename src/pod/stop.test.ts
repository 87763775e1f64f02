/** The process as the pod runs it: whatever it is busy with, SIGTERM ends it before the kubelet would. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ArchiveServer, startArchiveServer } from '../../test/support/archive-server.ts';
import { paxHeader, type RawEntry, tar } from '../../test/support/archives.ts';
import { childrenOfTests } from '../../test/support/child-processes.ts';
import { POPULATOR_COMMAND, TASK_VERSION } from '../plugins/download-and-extract/task.ts';
import { GRACE_SECONDS } from '../pods/index.ts';
import { parsePodReport } from '../sdk/index.ts';

jest.setTimeout(60_000);
const ofTest = childrenOfTests();
let work: string;
let server: ArchiveServer;

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'stop-'));
  mkdirSync(join(work, 'volume'));
  server = await startArchiveServer({ host: '127.0.0.1', routes: {} });
});
afterEach(async () => {
  await server.close();
  rmSync(work, { recursive: true });
});

function task(spec: object): string {
  return JSON.stringify({
    version: TASK_VERSION,
    plugin: 'download-and-extract',
    attemptId: 'u-1',
    targets: [
      { path: join(work, 'volume'), kind: 'directory', spec: { sourceURL: `${server.url}/a.tar.gz`, ...spec } },
    ],
  });
}

/** The pod's command, with this machine's Node and the sources in place of the image's. */
function start(VOLPRIME_TASK: string) {
  const [first = '', ...rest] = POPULATOR_COMMAND;
  const here: Readonly<Record<string, string>> = {
    '/usr/local/bin/node': process.execPath,
    '/app/dist/pod/main.js': join(import.meta.dirname, 'main.ts'),
  };
  const env = { PATH: process.env['PATH'] ?? '', VOLPRIME_REPORT_PATH: join(work, 'report'), VOLPRIME_TASK };
  const args = rest.map((argument) => here[argument] ?? argument);
  const child = ofTest(spawn(first, args, { env, stdio: ['ignore', 'pipe', 'inherit'] }));
  const said = async (words: RegExp): Promise<void> => {
    let text = '';
    for await (const piece of child.stdout) {
      text += String(piece);
      if (words.test(text)) return;
    }
    throw new Error(`it ended and said: ${text}`);
  };
  return { child, said, exit: once(child, 'exit') };
}

/** @returns the exit code. What is still there when the kubelet would kill it is killed, and that is told. */
async function stop({ child, exit }: ReturnType<typeof start>): Promise<unknown> {
  child.kill('SIGTERM');
  const grace = setTimeout(() => child.kill('SIGKILL'), GRACE_SECONDS * 1000);
  const [code, signal] = await exit;
  clearTimeout(grace);
  return code ?? signal;
}

const report = () => parsePodReport(readFileSync(join(work, 'report'), 'utf8'));

describe('told to stop', () => {
  const loop = `${'x/'.repeat(800)}${'../'.repeat(800)}l`;
  const link = (name: string): RawEntry[] => [paxHeader({ linkpath: loop }), { name, type: '2' }];
  const long = Array(16).fill('-'.repeat(250)).join('/');
  test.each<[string, object, () => readonly RawEntry[]]>([
    [
      'among names for many globs',
      { exclude: Array.from({ length: 64 }, (_, index) => `**/${'*-'.repeat(30)}*.${index}`) },
      () => Array.from({ length: 3000 }, (_, index) => [paxHeader({ path: `${index}/${long}` }), { name: 'x' }]).flat(),
    ],
    ['among links', {}, () => Array.from({ length: 3000 }, (_, index) => link(index === 0 ? 'l' : `m${index}`)).flat()],
    ['among files', {}, () => Array.from({ length: 200_000 }, (_, index) => ({ name: `d/${index % 5000}` }))],
  ])('%s, it ends in time, and says why where it has the time', async (_what, spec, entries) => {
    const body = gzipSync(tar(entries()));
    const gate = server.gate();
    server.set('/a.tar.gz', { body, gate, gateAfter: body.length - 1 });
    const pod = start(task(spec));
    await gate.reached;
    gate.open();
    // It is at the archive now, or has found already that it is hostile.
    const end = await stop(pod);
    expect(end).not.toBe('SIGKILL');
    // On a machine without time to spare it is ended from outside (137); what it found before its first write stands then.
    const told = { outcome: 'failed', reason: expect.stringMatching(/^(Interrupted|LimitExceeded)$/) };
    expect(report()).toMatchObject(end === 137 ? { outcome: 'unfinished', found: 'empty' } : told);
  });

  test('in a call that does not come back, it is ended from outside, and in time', async () => {
    // Nobody reads from it: the thread that opens it to write hears nothing any more.
    execFileSync('mkfifo', [join(work, 'report')]);
    const pod = start('not a task');
    await pod.said(/failed/);
    expect(await stop(pod)).toBe(137);
  });
});

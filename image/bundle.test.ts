import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { TASK_VERSION } from '../src/plugins/download-and-extract/task.ts';
import { startArchiveServer } from '../test/support/archive-server.ts';
import { tarGz } from '../test/support/archives.ts';
import { bundle } from './bundle.ts';

jest.setTimeout(120_000);

let work: string;
beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'bundle-'));
  await bundle(join(import.meta.dirname, '..'), join(work, 'dist'));
});
afterAll(() => rmSync(work, { recursive: true }));

test('the bundled populator finds the threads that it starts for a large archive', async () => {
  const data = randomBytes(3_000_000);
  await using server = await startArchiveServer({
    host: '127.0.0.1',
    routes: { '/a.tar.gz': { body: tarGz([{ name: 'big', data }]) } },
  });
  mkdirSync(join(work, 'volume'));
  const spec = { sourceURL: `${server.url}/a.tar.gz` };
  const task = {
    version: TASK_VERSION,
    plugin: 'download-and-extract',
    attemptId: 'a',
    targets: [{ path: join(work, 'volume'), kind: 'directory', spec }],
  };
  const env = {
    PATH: process.env['PATH'],
    VOLPRIME_TASK: JSON.stringify(task),
    VOLPRIME_REPORT_PATH: join(work, 'report'),
  };
  await promisify(execFile)(process.execPath, [join(work, 'dist/pod/main.js')], { env });
  expect(JSON.parse(readFileSync(join(work, 'report'), 'utf8'))).toMatchObject({ outcome: 'succeeded' });
  expect(readFileSync(join(work, 'volume/big')).equals(data)).toBe(true);
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { childrenOfTests } from '../../../test/support/child-processes.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { lockDirectory } from './target-lock.ts';

// Before what follows: hooks run in this order.
const ofTest = childrenOfTests();

let work: string;
let directory: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'lock-'));
  directory = mkdtempSync(join(work, 'target-'));
});
afterEach(() => rmSync(work, { recursive: true }));

const refused = { code: 'VolumeBusy', retry: { type: 'backoff' } };

test('is held by one at a time, and leaves nothing behind', async () => {
  const first = await lockDirectory(directory);
  await expect(lockDirectory(directory)).rejects.toMatchObject(refused);
  await first[Symbol.asyncDispose]();
  await using _ = await lockDirectory(directory);
  expect(readdirSync(directory)).toEqual([]);
});

test('ends with the process that has it, however that ends', async () => {
  const script = `
    const { lockDirectory } = await import(process.argv[1]);
    await lockDirectory(process.argv[2]);
    console.log('held');
    setInterval(() => undefined, 1000);
  `;
  const module = new URL('./target-lock.ts', import.meta.url).href;
  const holder: ChildProcess = ofTest(
    spawn(process.execPath, ['--input-type=module', '-e', script, module, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  if (holder.stdout) await once(holder.stdout, 'data');
  await expect(lockDirectory(directory)).rejects.toMatchObject(refused);
  holder.kill('SIGKILL');
  const free = () =>
    lockDirectory(directory).then(
      (lock) => lock[Symbol.asyncDispose]().then(() => true),
      () => false,
    );
  await eventually('the lock to be free', free);
});

test('that is not answered is done without', async () => {
  const programs = mkdtempSync(join(work, 'programs-'));
  writeFileSync(join(programs, 'flock'), '#!/bin/sh\nexec sleep 1000\n');
  chmodSync(join(programs, 'flock'), 0o755);
  symlinkSync('/bin/sleep', join(programs, 'sleep'));
  const path = process.env['PATH'];
  process.env['PATH'] = programs;
  try {
    await using _ = await lockDirectory(directory, 100);
  } finally {
    process.env['PATH'] = path;
  }
});

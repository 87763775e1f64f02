/** Who may have a lock together with whom, in which order, and that nobody keeps it beyond the end of his process. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childrenOfTests } from '../support/child-processes.ts';
import { type Lock, lockAlone, lockShared, withLock } from './lock.ts';
import { waitFor } from './wait.ts';

const ofTest = childrenOfTests();
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'volprime-lock-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const path = () => join(directory, expect.getState().currentTestName ?? '');

/** A request for a lock, and the order in which requests were answered. */
function ask(order: string[], name: string, wanted: Promise<Lock>): Promise<Lock> {
  return wanted.then((lock) => {
    order.push(`${name}${lock.alone ? ' alone' : ''}`);
    return lock;
  });
}

test('the first of those who share is alone until it shares, then they have it together', async () => {
  const order: string[] = [];
  const first = await ask(order, 'first', lockShared(path()));
  const second = ask(order, 'second', lockShared(path()));
  const third = ask(order, 'third', lockShared(path()));
  order.push('prepared');
  await first.share();
  for (const lock of [await second, await third, first]) await lock[Symbol.asyncDispose]();
  expect([order.slice(0, 2), order.slice(2).sort()]).toEqual([
    ['first alone', 'prepared'],
    ['second', 'third'],
  ]);
});

test('one who wants it alone gets it before those who come later to share it', async () => {
  const order: string[] = [];
  const sharing = await lockShared(path());
  await sharing.share();
  const alone = ask(order, 'alone', lockAlone(path()));
  await turnTaken(path());
  const late = ask(order, 'late', lockShared(path()));
  const later = ask(order, 'later', lockShared(path()));
  await sharing[Symbol.asyncDispose]();
  await (await alone)[Symbol.asyncDispose]();
  const last = await Promise.race([late, later]);
  await last.share();
  for (const lock of await Promise.all([late, later])) await lock[Symbol.asyncDispose]();
  expect(order[0]).toBe('alone alone');
});

test('a lock whose process was killed is free', async () => {
  const file = path();
  const script = `const { lockAlone } = await import(${JSON.stringify(join(import.meta.dirname, 'lock.ts'))});
    await lockAlone(${JSON.stringify(file)}); console.log('held'); setInterval(() => {}, 1000);`;
  const holder = ofTest(
    spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  await once(holder.stdout, 'data');
  const waiting = withLock(file, () => Promise.resolve('got it'));
  holder.kill('SIGKILL');
  expect(await waiting).toBe('got it');
});

/** Somebody stands in the queue and waits. */
async function turnTaken(file: string): Promise<void> {
  await waitFor({
    what: 'the turn to be taken',
    timeoutMs: 10_000,
    check: async () => {
      const probe = spawn('flock', ['--nonblock', `${file}.turn`, 'true'], { stdio: 'ignore' });
      const [code] = await once(probe, 'exit');
      return code === 0 ? { done: false, seen: 'nobody waits' } : { done: true };
    },
  });
}

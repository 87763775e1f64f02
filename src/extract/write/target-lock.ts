/**
 * Nobody else populates the same directory meanwhile: two that write at once would each verify what the other overwrites.
 *
 * The lock is the kernel's (flock(2) on the directory itself), held by a program that ends with this process, however that ends. So it is
 * seen from other pods on the node, leaves nothing in the volume, and needs no one to clean up. Where the file system or the machine has
 * no such lock, there is none: the one who makes the pods sees to it that there is one at a time.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { AttemptFailedError } from '../../sdk/errors.ts';

/** What `flock` is told to end with where somebody else has the lock; its own failures are others. */
const CONFLICT = 75;
/** A network file system whose server for locks does not answer may never say anything, "nonblock" or not. */
const PATIENCE_MS = 5_000;
const LATE = 'late';

type Holder = ChildProcessByStdio<Writable, Readable, null>;

/** @throws AttemptFailedError `VolumeBusy` where another process has it. */
export async function lockDirectory(directory: string, patienceMs = PATIENCE_MS): Promise<AsyncDisposable> {
  const flock = ['--nonblock', '--no-fork', '--conflict-exit-code', String(CONFLICT), directory];
  const child = spawn('flock', [...flock, 'cat'], {
    env: { PATH: process.env['PATH'] },
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C means this process, which may have to clean up under the lock.
    detached: true,
  });
  const ended = endOf(child);
  const outcome = await Promise.race([heldBy(child), ended, delay(patienceMs, LATE, { ref: false })]);
  if (outcome === CONFLICT) throw busy(directory);
  const isLate = outcome === LATE;
  if (isLate) letGo(child);
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.destroy();
      if (!isLate) await ended;
    },
  };
}

export function busy(target: string): AttemptFailedError {
  const message = `${target} is in use: another process populates it, or it is a device that is mounted or belongs to another one.`;
  return new AttemptFailedError('VolumeBusy', message);
}

/** What comes back comes from `cat`, which runs once the lock is held. */
async function heldBy(child: Holder): Promise<undefined> {
  // One that has ended already takes no word; how it ended says why.
  child.stdin.on('error', () => undefined);
  child.stdin.write('\n');
  await once(child.stdout, 'data').catch(() => new Promise(() => undefined));
}

/** Undefined where it could not be started. */
function endOf(child: Holder): Promise<number | null | undefined> {
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', () => resolve(undefined));
  });
}

/** It may not even be to be killed, and this process is to end without it. */
function letGo(child: Holder): void {
  child.kill('SIGKILL');
  child.stdout.destroy();
  child.unref();
}

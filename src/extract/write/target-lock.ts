/**
 * Nobody else populates the same directory meanwhile: two that write at once would each verify what the other overwrites.
 *
 * The lock is the kernel's (flock(2) on the directory itself), held by a program that ends with this process, however that ends. So it is
 * seen from other pods on the node, leaves nothing in the volume, and needs no one to clean up. Where the file system or the machine has
 * no such lock, there is none: the one who makes the pods sees to it that there is one at a time.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { AttemptFailedError } from '../../sdk/errors.ts';

/** What `flock` is told to end with where somebody else has the lock; its own failures are others. */
const CONFLICT = 75;

/** @throws AttemptFailedError `VolumeBusy` where another process has it. */
export async function lockDirectory(directory: string): Promise<AsyncDisposable> {
  const flock = ['--nonblock', '--no-fork', '--conflict-exit-code', String(CONFLICT), directory];
  const child = spawn('flock', [...flock, 'cat'], {
    env: { PATH: process.env['PATH'] },
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C means this process, which may have to clean up under the lock.
    detached: true,
  });
  const ended = new Promise<number | null | undefined>((resolve) => {
    child.once('exit', resolve);
    child.once('error', () => resolve(undefined));
  });
  // One that has ended already takes no word; how it ended says why.
  child.stdin.on('error', () => undefined);
  // What comes back comes from `cat`, which runs once the lock is held.
  child.stdin.write('\n');
  const held = once(child.stdout, 'data').then(() => undefined);
  held.catch(() => undefined);
  if ((await Promise.race([held, ended])) === CONFLICT) throw busy(directory);
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.destroy();
      await ended;
    },
  };
}

export function busy(target: string): AttemptFailedError {
  const message = `${target} is in use: another process populates it, or it is a device that is mounted or belongs to another one.`;
  return new AttemptFailedError('VolumeBusy', message);
}

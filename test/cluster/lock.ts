/**
 * Locks between processes of this machine, for one alone or for several that share. They are flock(1)'s: the kernel frees the lock of a
 * process that ends, however it ends.
 *
 * Who wants a lock first waits for its turn, and keeps the turn until he has the lock. So those who share it one after the other cannot
 * starve somebody who wants it alone.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

export interface Lock extends AsyncDisposable {
  /** Nobody else has it, and nobody gets it before `share` or the end. */
  readonly alone: boolean;
  /** From now on others may share it. */
  share(): Promise<void>;
}

/** Its standard input is this process: it ends with it, and each line on the way says "share". */
const holder = `
exec 8>>"$1.turn" 9>>"$1"
flock 8
if [ "$2" = alone ]; then flock 9; echo alone
elif flock --nonblock 9; then echo alone
else flock --shared 9; flock --unlock 8; echo shared
fi
while read -r _; do flock --shared 9; flock --unlock 8; echo shared; done
`;

/** Resolves when nobody else has it. */
export function lockAlone(path: string): Promise<Lock> {
  return hold(path, 'alone');
}

/** Resolves when nobody has it for himself. Who finds that nobody has it at all is alone at first, to prepare what is shared. */
export function lockShared(path: string): Promise<Lock> {
  return hold(path, 'shared');
}

export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await using _lock = await lockAlone(path);
  return await work();
}

async function hold(path: string, mode: 'alone' | 'shared'): Promise<Lock> {
  mkdirSync(dirname(path), { recursive: true });
  // A process group of its own: an interrupt from the terminal is not for it, the lock is held until its owner has cleaned up.
  const child = spawn('sh', ['-euc', holder, 'lock', path, mode], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(child, 'exit');
  const lines = createInterface(child.stdout);
  const said = async (): Promise<string> => {
    const answer = await Promise.race([once(lines, 'line'), ended.then(() => undefined)]);
    if (answer === undefined) throw new Error(`flock(1) could not lock ${path}`);
    return String(answer[0]);
  };
  const alone = (await said()) === 'alone';
  return {
    alone,
    share: async () => {
      child.stdin.write('share\n');
      await said();
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

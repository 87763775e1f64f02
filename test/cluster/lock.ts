/** A lock between processes of this machine: a file that names its holder. The lock of a dead process is taken over. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from './error-code.ts';
import { identify, isAlive } from './process-table.ts';
import { waitFor } from './wait.ts';

const LOCK_TIMEOUT_MS = 30 * 60_000;

export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  const self = identify(process.pid);
  if (self === undefined) throw new Error('this process is not in /proc');
  const holder = `${self.pid} ${self.startTime}`;
  await waitFor({
    what: `the lock ${path}`,
    timeoutMs: LOCK_TIMEOUT_MS,
    intervalMs: 200,
    check: () => take(path, holder),
  });
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string, holder: string): { done: true } | { done: false; seen: string } {
  try {
    writeFileSync(path, holder, { flag: 'wx' });
    return { done: true };
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  const [pid = '', startTime = ''] = readHolder(path).split(' ');
  if (pid !== '' && !isAlive({ pid: Number(pid), startTime })) rmSync(path, { force: true });
  return { done: false, seen: `held by process ${pid}` };
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

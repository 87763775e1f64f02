/** CPU time of processes: what a pass costs the machine, whatever else runs on it. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** Linux' USER_HZ, which is 100 on every architecture that Node runs on. */
const TICK_MS = 10;

/** Milliseconds that these processes have used since they began; those that are gone count nothing. */
export async function cpuMs(pids: readonly number[]): Promise<number> {
  const times = await Promise.all(pids.map(cpuOf));
  return times.reduce((sum, time) => sum + time, 0);
}

async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // 14 and 15: utime and stime.
  return ticksIn(stat, 14, 15) * TICK_MS;
}

/** Milliseconds of the children of this process that have ended, and of theirs. */
export function cpuMsOfChildren(): number {
  // 16 and 17: cutime and cstime.
  return ticksIn(readFileSync('/proc/self/stat', 'utf8'), 16, 17) * TICK_MS;
}

/** @param numbers of fields as proc(5) counts them. */
function ticksIn(stat: string, ...numbers: readonly number[]): number {
  // The name, in parentheses, may hold spaces: fields are counted from behind it, where the third begins.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return numbers.reduce((sum, number) => sum + Number(fields[number - 3] ?? 0), 0);
}

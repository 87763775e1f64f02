/** CPU time of processes: what a pass costs the machine, whatever else runs on it. */
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
  // The name, in parentheses, may hold spaces: fields are counted from behind it. 14 and 15 are utime and stime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS;
}

/**
 * Reads /proc. A process is known by its id together with its start time, so that an id that the kernel has given to
 * somebody else is never signalled.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hasCode } from './error-code.ts';
import { waitFor } from './wait.ts';

export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly startTime: string;
}

interface ProcessStat {
  readonly parent: number;
  readonly state: string;
  readonly startTime: string;
}

function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '?', parent: Number(fields[1]), startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat === undefined || stat.state === 'Z' ? undefined : { pid, startTime: stat.startTime };
}

export function isAlive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startTime === process.startTime;
}

export function allPids(): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
}

export function childOf(parent: number): ProcessIdentity | undefined {
  const pid = allPids().find((candidate) => readStat(candidate)?.parent === parent);
  return pid === undefined ? undefined : identify(pid);
}

/** The arguments of a process, or nothing when it is gone. */
export function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

export function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

export function signal(target: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, name);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

export async function killAndWait(target: ProcessIdentity): Promise<void> {
  signal(target, 'SIGKILL');
  await waitFor({
    what: `process ${target.pid} to end`,
    timeoutMs: 20_000,
    intervalMs: 20,
    check: () => (isAlive(target) ? { done: false, seen: commandLine(target.pid).join(' ') } : { done: true }),
  });
}

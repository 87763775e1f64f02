/**
 * Removes whatever a cluster left, found by what it is and not by what was recorded about it: so it also works after
 * a crash, after kill -9 of everything, and when state.json is lost.
 */
import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from './binaries.ts';
import { cgroupOf, removeCgroups } from './cgroups.ts';
import { run, tryRun } from './command.ts';
import { namespaceMark } from './namespace.ts';
import { hostInterface } from './network.ts';
import { stateDirOf } from './paths.ts';
import {
  allPids,
  commandLine,
  identify,
  isAlive,
  killAndWait,
  pidNamespace,
  type ProcessIdentity,
  signal,
} from './process-table.ts';
import { detachLoopDevicesBelow } from './loop-devices.ts';
import { bootId, readState } from './state.ts';

export async function tearDown(name: string, log: Log): Promise<void> {
  const stateDir = stateDirOf(name);
  const processes = processesOf(name, stateDir);
  if (processes.length > 0) log(`ending ${processes.length} processes of cluster ${name}`);
  await endAll(processes);
  await tryRun({ file: 'ip', args: ['link', 'delete', hostInterface(stateDir)] });
  await unmountBelow(stateDir);
  await detachLoopDevicesBelow(stateDir);
  await retryBusy(() => {
    removeCgroups(cgroupOf(name));
  });
  rmSync(stateDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/**
 * Recorded processes, every process whose command line names the state directory, and everything that shares a PID
 * namespace with the cluster's first process (pods too).
 */
function processesOf(name: string, stateDir: string): ProcessIdentity[] {
  const pids = allPids();
  const init = pids.find((pid) => commandLine(pid)[1] === namespaceMark(stateDir));
  const namespace = init === undefined ? undefined : pidNamespace(init);
  const isOurs = (pid: number) =>
    (namespace !== undefined && pidNamespace(pid) === namespace) || (pid !== process.pid && isServer(pid, stateDir));
  const found = pids.filter(isOurs).flatMap((pid) => identify(pid) ?? []);
  const state = readState(name);
  const recorded = state?.bootId === bootId() ? state.processes.filter(isAlive) : [];
  const known = new Set(found.map(({ pid }) => pid));
  return [...found, ...recorded.filter(({ pid }) => !known.has(pid))];
}

/** A component, or the wrapper that put it into the namespaces; not a shell or editor that happens to name the path. */
function isServer(pid: number, stateDir: string): boolean {
  const line = commandLine(pid);
  const program = line[0]?.split('/').at(-1) ?? '';
  const names = ['unshare', 'nsenter', 'etcd', 'kube-apiserver', 'containerd', 'containerd-shim-runc-v2'];
  return (
    names.includes(program) && line.some((argument) => argument.includes(`${stateDir}/`) || argument.endsWith(stateDir))
  );
}

/** The first process of the namespaces takes all others with it; the rest is killed one by one. */
async function endAll(processes: readonly ProcessIdentity[]): Promise<void> {
  for (const target of processes) signal(target, 'SIGKILL');
  for (const target of processes) await killAndWait(target);
}

async function unmountBelow(stateDir: string): Promise<void> {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .filter((point) => point.startsWith(`${stateDir}/`));
  for (const point of points.reverse()) await run({ file: 'umount', args: ['--lazy', point] });
}

/** The kernel empties cgroups of dead processes a moment after they are gone from /proc. */
async function retryBusy(work: () => void): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      work();
      return;
    } catch (error) {
      if (attempt >= 50) throw error;
      await delay(100);
    }
  }
}

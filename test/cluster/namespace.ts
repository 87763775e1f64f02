/**
 * A cluster's own mount, PID and network namespace. Its first process only waits; when that one is killed, the kernel
 * kills every process inside, and mounts, interfaces and firewall rules go with them.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { childOf, commandLine, isAlive, type ProcessIdentity } from './process-table.ts';
import { waitFor } from './wait.ts';

/** Directories that containerd, CNI and kubelet use by fixed names, and where they lie on disk. */
const privateDirs = { '/var/lib/kubelet': 'kubelet', '/var/lib/cni': 'cni-state', '/var/log': 'node-log' } as const;

/** kubelet wants these kernel parameters so. They belong to the whole machine, so it sees files with the values instead. */
const kernelParameters = {
  'vm/overcommit_memory': 1,
  'vm/panic_on_oom': 0,
  'kernel/panic': 10,
  'kernel/panic_on_oops': 1,
  'kernel/keys/root_maxkeys': 1_000_000,
  'kernel/keys/root_maxbytes': 25_000_000,
} as const;

export interface NamespaceOptions {
  readonly stateDir: string;
  readonly pause: string;
}

export async function createNamespace({ stateDir, pause }: NamespaceOptions): Promise<ProcessIdentity> {
  const steps = ['set -e', 'mount -t tmpfs -o mode=755 tmpfs /run', 'mkdir -p /run/netns /run/lock'];
  for (const [target, source] of Object.entries(privateDirs)) {
    mkdirSync(join(stateDir, source), { recursive: true });
    mkdirSync(target, { recursive: true });
    steps.push(`mount --bind ${join(stateDir, source)} ${target}`);
  }
  for (const [parameter, value] of Object.entries(kernelParameters)) {
    const file = `/run/${parameter.replaceAll('/', '-')}`;
    steps.push(`echo ${value} > ${file}`, `mount --bind ${file} /proc/sys/${parameter}`);
  }
  steps.push(`exec ${pause} ${namespaceMark(stateDir)}`);
  const args = ['--mount', '--pid', '--net', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', steps.join('\n')];
  const outer = spawn('unshare', args, { cwd: '/', detached: true, stdio: 'ignore' });
  outer.unref();
  let init: ProcessIdentity | undefined;
  await waitFor({
    what: 'the namespaces',
    timeoutMs: 10_000,
    intervalMs: 10,
    check: () => {
      if (outer.exitCode !== null)
        throw new Error(`unshare ended with ${outer.exitCode}: are namespaces allowed here?`);
      init = outer.pid === undefined ? undefined : childOf(outer.pid);
      return init === undefined ? { done: false, seen: 'no child of unshare' } : { done: true };
    },
  });
  if (init === undefined) throw new Error('unreachable');
  await waitForPause(init, stateDir);
  return init;
}

/** How the first process is found when state.json is lost. */
export function namespaceMark(stateDir: string): string {
  return `volprime-cluster=${stateDir}`;
}

async function waitForPause(init: ProcessIdentity, stateDir: string): Promise<void> {
  await waitFor({
    what: 'mounts of the namespaces',
    timeoutMs: 10_000,
    intervalMs: 10,
    check: () => {
      if (!isAlive(init)) throw new Error('preparing the mounts of the namespaces failed');
      const line = commandLine(init.pid);
      return line[1] === namespaceMark(stateDir) ? { done: true } : { done: false, seen: line.join(' ') };
    },
  });
}

/** The command line that runs a program inside. */
export function insideNamespace(init: number, program: string, args: readonly string[]): [string, string[]] {
  return ['nsenter', [`--target=${init}`, '--mount', '--pid', '--net', '--', program, ...args]];
}

/** Where a cluster and its binaries live on this machine. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NAME_PATTERN = /^[a-z][a-z0-9-]{0,19}$/;

export const defaultClusterName = 'volprime';
export const sourceDir = fileURLToPath(new URL('.', import.meta.url));

/** Root of all clusters' state. Short, because Unix socket paths below it may not exceed 107 bytes. */
export function clusterRoot(): string {
  const configured = process.env['VOLPRIME_CLUSTER_ROOT'];
  if (configured !== undefined && configured !== '') return configured;
  return process.getuid?.() === 0 ? '/var/lib/volprime-cluster' : join(cacheRoot(), 'clusters');
}

export function cacheRoot(): string {
  const xdg = process.env['XDG_CACHE_HOME'];
  return join(xdg !== undefined && xdg !== '' ? xdg : join(homedir(), '.cache'), 'volprime');
}

/** @throws when the name is not a short lower-case word (it becomes part of paths, cgroups and interface names). */
export function stateDirOf(name: string): string {
  if (!NAME_PATTERN.test(name)) throw new Error(`cluster name ${JSON.stringify(name)} does not match ${NAME_PATTERN}`);
  return join(clusterRoot(), name);
}

/** Where kubelet's root directory lies on disk; inside the cluster's mount namespace it is /var/lib/kubelet. */
export function kubeletDir(stateDir: string): string {
  return join(stateDir, 'kubelet');
}

export const driverName = 'csi.test.volprime.dev';

export function driverDir(stateDir: string): string {
  return join(kubeletDir(stateDir), 'plugins', driverName);
}

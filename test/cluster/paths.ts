/** Where a cluster and its binaries live on this machine. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOCKET_PATH_LIMIT = 107;
const NAME_PATTERN = /^[a-z][a-z0-9-]{0,19}$/;

export const defaultClusterName = 'volprime';
export const driverName = 'csi.test.volprime.dev';
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
  const dir = join(clusterRoot(), name);
  const longest = join(kubeletDir(dir), 'plugins_registry', `${driverName}-reg.sock`);
  if (longest.length > SOCKET_PATH_LIMIT)
    throw new Error(`${longest} is too long for a Unix socket: set VOLPRIME_CLUSTER_ROOT to a shorter path`);
  return dir;
}

/** kubelet's root directory. */
export function kubeletDir(stateDir: string): string {
  return join(stateDir, 'kubelet');
}

export function driverDir(stateDir: string): string {
  return join(kubeletDir(stateDir), 'plugins', driverName);
}

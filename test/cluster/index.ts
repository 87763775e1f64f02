/**
 * A real single-node Kubernetes on this machine, for the demo, the integration tests and the e2e tests. They call it;
 * it knows nothing of Volprime: no import from src/, no object of ours.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from './binaries.ts';
import { type ClusterHandle, handleOf } from './handle.ts';
import { importImage, tagImage } from './images.ts';
import { withLock } from './lock.ts';
import { clusterRoot, defaultClusterName } from './paths.ts';
import { isAlive } from './process-table.ts';
import { readState } from './state.ts';
import { tearDown } from './teardown.ts';

export { ensureBinaries, type Log } from './binaries.ts';
export { sourceServers } from './go-modules.ts';
export * from './csi-faults.ts';
export type { ClusterHandle } from './handle.ts';
export { toolboxImage } from './images.ts';
export { listLocalVolumes } from './local-path.ts';
export { type ClusterUpOptions, clusterUp } from './node-up.ts';
export { impatientScheduler } from './control-plane.ts';
export { controlPlaneUp } from './control-plane-up.ts';
export { driverName } from './paths.ts';

export async function clusterDown(options: { readonly name?: string; readonly log?: Log } = {}): Promise<void> {
  const { name = defaultClusterName, log = () => {} } = options;
  await withLock(join(clusterRoot(), `${name}.lock`), () => tearDown(name, log));
}

/** The cluster of this name where it is up, whoever brought it up. */
export function runningCluster(name = defaultClusterName): ClusterHandle | undefined {
  const state = readState(name);
  return state?.kind === 'node' && state.complete ? handleOf(state) : undefined;
}

/** Mount points as the node's own namespace has them: kubelet's of all volumes that pods use. */
export function nodeMounts({ name }: Pick<ClusterHandle, 'name'>): string[] {
  const init = readState(name)?.processes.find((record) => record.name === 'namespaces');
  if (init === undefined) throw new Error(`cluster ${name} has no node`);
  return readFileSync(`/proc/${init.pid}/mountinfo`, 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? []);
}

/** Imports an OCI or Docker image tar into the node's image store. */
export async function loadImage(cluster: ClusterHandle, tarPath: string): Promise<void> {
  await importImage(cluster.stateDir, tarPath);
}

/** Gives an image of the node another name. */
export async function nameImage(cluster: ClusterHandle, from: string, to: string): Promise<void> {
  await tagImage(cluster.stateDir, from, to);
}

/** Stops the kubelet, not the containers, until the answer is disposed of: the node falls silent. */
export function freezeNode(cluster: ClusterHandle): Disposable {
  const kubelet = readState(cluster.name)?.processes.find(({ name }) => name === 'kubelet');
  if (kubelet === undefined || !isAlive(kubelet)) throw new Error(`cluster ${cluster.name} has no kubelet that runs`);
  process.kill(kubelet.pid, 'SIGSTOP');
  return { [Symbol.dispose]: () => void process.kill(kubelet.pid, 'SIGCONT') };
}

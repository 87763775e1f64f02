/** kubectl with the rights of the cluster's administrator. */
import { join } from 'node:path';
import { run } from './command.ts';
import type { ClusterHandle } from './handle.ts';

export type KubectlTarget = Pick<ClusterHandle, 'binDir' | 'kubeconfig' | 'stateDir'>;

export function kubectl(cluster: KubectlTarget, args: readonly string[], input?: string): Promise<string> {
  return run({
    file: join(cluster.binDir, 'kubectl'),
    args,
    env: { PATH: process.env['PATH'], HOME: cluster.stateDir, KUBECONFIG: cluster.kubeconfig },
    ...(input !== undefined && { input }),
  });
}

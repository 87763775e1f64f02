/** What others get of a cluster that is up. */
import { kubeconfigFile } from './credentials.ts';
import { addressesOf } from './network.ts';
import { stateDirOf } from './paths.ts';
import type { ClusterState } from './state.ts';
import { controlSocket } from './storage.ts';

export interface ClusterHandle {
  readonly name: string;
  /** Path of a kubeconfig with all rights. */
  readonly kubeconfig: string;
  readonly stateDir: string;
  /** URL of the API server. */
  readonly server: string;
  /** Holds kubectl and every other program. */
  readonly binDir: string;
  /** Unix socket of the CSI driver's fault switches (see csi-faults.ts). */
  readonly driverSocket: string;
  /** Address of this machine that pods reach: tests serve archives there. */
  readonly hostAddress: string;
}

export function handleOf(state: ClusterState): ClusterHandle {
  const stateDir = stateDirOf(state.name);
  return {
    name: state.name,
    kubeconfig: kubeconfigFile(stateDir, 'admin'),
    stateDir,
    server: state.server,
    binDir: state.binDir,
    driverSocket: controlSocket(stateDir),
    hostAddress: state.slot === null ? '127.0.0.1' : addressesOf(state.slot).host,
  };
}

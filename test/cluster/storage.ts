/** Command lines of the CSI driver and of the sidecars that upstream runs beside it, here as processes of the node. */
import { join } from 'node:path';
import type { Component } from './component.ts';
import { type Identity, kubeconfigFile } from './credentials.ts';
import type { NodeOptions } from './node.ts';
import { driverDir, kubeletDir } from './paths.ts';

function endpoint(stateDir: string): string {
  return join(driverDir(stateDir), 'csi.sock');
}

export const snapshotCrds = ['volumesnapshotclasses', 'volumesnapshotcontents', 'volumesnapshots'].map(
  (plural) => `${plural}.snapshot.storage.k8s.io`,
);

/** Where the driver's fault switches listen. */
export function controlSocket(stateDir: string): string {
  return join(stateDir, 'csi-control.sock');
}

export function csiDriver(options: NodeOptions): Component {
  return {
    name: 'csi-driver',
    program: join(options.binDir, 'csi-driver'),
    readyFile: endpoint(options.stateDir),
    args: [
      `-socket=${endpoint(options.stateDir)}`,
      `-registration-dir=${join(kubeletDir(options.stateDir), 'plugins_registry')}`,
      `-control-socket=${controlSocket(options.stateDir)}`,
      `-state-dir=${join(options.stateDir, 'csi')}`,
      `-node=${options.nodeName}`,
    ],
  };
}

interface Sidecar {
  readonly name: Identity;
  /** Of its metrics, on the node's address. */
  readonly port: number;
  /** Requests a second to the API server. The default of 5 would be what benchmarks measure. */
  readonly qps: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** One of the kubernetes-csi project's controllers. */
function sidecar(
  { binDir, stateDir, addresses }: NodeOptions,
  { name, port, qps, env, args = [] }: Sidecar,
): Component {
  return {
    name,
    program: join(binDir, name),
    readyUrl: `http://${addresses.node}:${port}/metrics`,
    ...(env !== undefined && { env }),
    args: [
      `--kubeconfig=${kubeconfigFile(stateDir, name)}`,
      `--http-endpoint=${addresses.node}:${port}`,
      `--kube-api-qps=${qps}`,
      `--kube-api-burst=${2 * qps}`,
      '--retry-interval-start=500ms',
      '--retry-interval-max=10s',
      ...args,
    ],
  };
}

/** What those say that call the driver. */
function callsDriver({ stateDir }: NodeOptions): readonly string[] {
  return [`--csi-address=${endpoint(stateDir)}`, '--timeout=60s'];
}

export function csiProvisioner(options: NodeOptions): Component {
  return sidecar(options, {
    name: 'csi-provisioner',
    port: 9810,
    qps: 2000,
    // Where it publishes CSIStorageCapacity.
    env: { NAMESPACE: 'kube-system' },
    args: [
      ...callsDriver(options),
      '--feature-gates=Topology=true,CrossNamespaceVolumeDataSource=true,VolumeAttributesClass=true',
      '--extra-create-metadata',
      '--enable-capacity',
      // It is no pod that could own what it publishes.
      '--capacity-ownerref-level=-1',
      '--capacity-poll-interval=2s',
      '--kube-api-capacity-qps=50',
      '--kube-api-capacity-burst=100',
    ],
  });
}

export function snapshotController(options: NodeOptions): Component {
  return sidecar(options, { name: 'snapshot-controller', port: 9811, qps: 500 });
}

export function csiSnapshotter(options: NodeOptions): Component {
  return sidecar(options, { name: 'csi-snapshotter', port: 9812, qps: 500, args: callsDriver(options) });
}

export function csiResizer(options: NodeOptions): Component {
  return sidecar(options, { name: 'csi-resizer', port: 9813, qps: 500, args: callsDriver(options) });
}

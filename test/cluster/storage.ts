/** Command lines of the CSI driver and of the sidecars that upstream runs beside it, here as processes of the node. */
import { join } from 'node:path';
import type { Component } from './component.ts';
import { kubeconfigFile } from './credentials.ts';
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

export function csiProvisioner(options: NodeOptions): Component {
  return {
    name: 'csi-provisioner',
    program: join(options.binDir, 'csi-provisioner'),
    readyUrl: `http://${options.addresses.node}:9810/metrics`,
    // Where it publishes CSIStorageCapacity.
    env: { NAMESPACE: 'kube-system' },
    args: [
      `--csi-address=${endpoint(options.stateDir)}`,
      `--kubeconfig=${kubeconfigFile(options.stateDir, 'csi-provisioner')}`,
      `--http-endpoint=${options.addresses.node}:9810`,
      '--feature-gates=Topology=true,CrossNamespaceVolumeDataSource=true,VolumeAttributesClass=true',
      '--extra-create-metadata',
      '--enable-capacity',
      // It is no pod that could own what it publishes.
      '--capacity-ownerref-level=-1',
      '--capacity-poll-interval=2s',
      '--kube-api-capacity-qps=50',
      '--kube-api-capacity-burst=100',
      // The defaults of 5 and 10 would be what benchmarks measure.
      '--kube-api-qps=2000',
      '--kube-api-burst=4000',
      '--retry-interval-start=500ms',
      '--retry-interval-max=10s',
      '--timeout=60s',
    ],
  };
}

export function snapshotController(options: NodeOptions): Component {
  return {
    name: 'snapshot-controller',
    program: join(options.binDir, 'snapshot-controller'),
    readyUrl: `http://${options.addresses.node}:9811/metrics`,
    args: [
      `--kubeconfig=${kubeconfigFile(options.stateDir, 'snapshot-controller')}`,
      `--http-endpoint=${options.addresses.node}:9811`,
      '--kube-api-qps=500',
      '--kube-api-burst=1000',
      '--retry-interval-start=500ms',
      '--retry-interval-max=10s',
    ],
  };
}

export function csiSnapshotter(options: NodeOptions): Component {
  return {
    name: 'csi-snapshotter',
    program: join(options.binDir, 'csi-snapshotter'),
    readyUrl: `http://${options.addresses.node}:9812/metrics`,
    args: [
      `--csi-address=${endpoint(options.stateDir)}`,
      `--kubeconfig=${kubeconfigFile(options.stateDir, 'csi-snapshotter')}`,
      `--http-endpoint=${options.addresses.node}:9812`,
      '--kube-api-qps=500',
      '--kube-api-burst=1000',
      '--retry-interval-start=500ms',
      '--retry-interval-max=10s',
      '--timeout=60s',
    ],
  };
}

export function csiResizer(options: NodeOptions): Component {
  return {
    name: 'csi-resizer',
    program: join(options.binDir, 'csi-resizer'),
    readyUrl: `http://${options.addresses.node}:9813/metrics`,
    args: [
      `--csi-address=${endpoint(options.stateDir)}`,
      `--kubeconfig=${kubeconfigFile(options.stateDir, 'csi-resizer')}`,
      `--http-endpoint=${options.addresses.node}:9813`,
      '--kube-api-qps=500',
      '--kube-api-burst=1000',
      '--retry-interval-start=500ms',
      '--retry-interval-max=10s',
      '--timeout=60s',
    ],
  };
}

/** Command lines and configuration of the node: containerd, kubelet, kube-proxy. */
import { join } from 'node:path';
import type { Component } from './component.ts';
import { kubeconfigFile } from './credentials.ts';
import { type Addresses, dnsAddress } from './network.ts';
import { cniBinDir } from './packages.ts';
import { kubeletDir } from './paths.ts';

export interface NodeOptions {
  readonly stateDir: string;
  readonly binDir: string;
  readonly nodeName: string;
  readonly cgroup: string;
  readonly addresses: Addresses;
}

export function nodeNameOf(cluster: string): string {
  return `${cluster}-node`;
}

export function containerdSocket(stateDir: string): string {
  return join(stateDir, 'containerd', 'containerd.sock');
}

export function containerd(options: NodeOptions): Component {
  return {
    name: 'containerd',
    program: '/usr/bin/containerd',
    args: ['--config', join(options.stateDir, 'containerd.toml'), '--log-level', 'warn'],
    readyFile: containerdSocket(options.stateDir),
  };
}

export function containerdConfiguration(stateDir: string): string {
  return `version = 2
root = "${stateDir}/containerd/root"
state = "${stateDir}/containerd/state"
oom_score = 0
[grpc]
  address = "${containerdSocket(stateDir)}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniBinDir}"
    conf_dir = "${stateDir}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
`;
}

export function kubelet(options: NodeOptions): Component {
  return {
    name: 'kubelet',
    program: join(options.binDir, 'kubelet'),
    readyUrl: `http://${options.addresses.node}:10248/healthz`,
    args: [
      `--config=${join(options.stateDir, 'kubelet.json')}`,
      `--kubeconfig=${kubeconfigFile(options.stateDir, 'kubelet')}`,
      `--hostname-override=${options.nodeName}`,
      `--node-ip=${options.addresses.node}`,
      `--root-dir=${kubeletDir(options.stateDir)}`,
      `--cert-dir=${join(kubeletDir(options.stateDir), 'pki')}`,
    ],
  };
}

export function kubeletConfiguration(options: NodeOptions): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    address: options.addresses.node,
    healthzBindAddress: options.addresses.node,
    containerRuntimeEndpoint: `unix://${containerdSocket(options.stateDir)}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: options.cgroup,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    evictionHard: { 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    featureGates: { KubeletInUserNamespace: true },
    makeIPTablesUtilChains: false,
    volumePluginDir: join(kubeletDir(options.stateDir), 'volume-plugins'),
    clusterDNS: [dnsAddress],
    clusterDomain: 'cluster.local',
    resolvConf: join(options.stateDir, 'resolv.conf'),
    maxPods: 250,
    nodeStatusUpdateFrequency: '5s',
    serializeImagePulls: false,
    kubeAPIQPS: 500,
    kubeAPIBurst: 1000,
    eventRecordQPS: 0,
  };
}

export function kubeProxy(options: NodeOptions): Component {
  return {
    name: 'kube-proxy',
    program: join(options.binDir, 'kube-proxy'),
    args: [`--config=${join(options.stateDir, 'kube-proxy.json')}`, `--hostname-override=${options.nodeName}`],
    readyUrl: `http://${options.addresses.node}:10256/livez`,
  };
}

export function kubeProxyConfiguration(options: NodeOptions): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clusterCIDR: options.addresses.podCidr,
    clientConnection: { kubeconfig: kubeconfigFile(options.stateDir, 'kube-proxy') },
    conntrack: { maxPerCore: 0, min: 0 },
    healthzBindAddress: `${options.addresses.node}:10256`,
    metricsBindAddress: `${options.addresses.node}:10249`,
  };
}

/** Command lines and configuration of etcd, kube-apiserver, kube-controller-manager and kube-scheduler. */
import { join } from 'node:path';
import type { Component } from './component.ts';
import { caFile, kubeconfigFile } from './credentials.ts';
import type { Addresses } from './network.ts';
import { serviceCidr } from './network.ts';
import type { ControlPlanePorts } from './state.ts';

export interface ControlPlaneOptions {
  readonly stateDir: string;
  readonly binDir: string;
  readonly address: string;
  readonly ports: ControlPlanePorts;
  /** Whether the API server keeps `dataSourceRef.namespace` (the gate CrossNamespaceVolumeDataSource); it does unless told. */
  readonly crossNamespaceSources?: boolean;
}

export const nodePorts: ControlPlanePorts = { api: 6443, etcd: 2379, etcdPeer: 2380 };

export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted', 'Panic'],
  rules: [
    { level: 'None', nonResourceURLs: ['/healthz*', '/readyz*', '/livez*', '/version', '/openapi*'] },
    { level: 'Metadata' },
  ],
};

export function etcd(options: ControlPlaneOptions): Component {
  const client = `http://127.0.0.1:${options.ports.etcd}`;
  const peer = `http://127.0.0.1:${options.ports.etcdPeer}`;
  return {
    name: 'etcd',
    program: join(options.binDir, 'etcd'),
    args: [
      `--data-dir=${join(options.stateDir, 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
  };
}

export function apiServer(options: ControlPlaneOptions): Component {
  const { stateDir, address, ports, crossNamespaceSources = true } = options;
  const isLoopback = address.startsWith('127.');
  return {
    name: 'kube-apiserver',
    program: join(options.binDir, 'kube-apiserver'),
    readyUrl: `https://${address}:${ports.api}/readyz`,
    readyFile: caFile(stateDir),
    // csi-provisioner 5 reads VolumeAttributesClasses as v1beta1, which this release of Kubernetes would not serve any more.
    env: { KUBE_APISERVER_SERVE_REMOVED_APIS_FOR_ONE_RELEASE: 'true' },
    args: [
      '--runtime-config=storage.k8s.io/v1beta1/volumeattributesclasses=true',
      `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
      `--bind-address=${address}`,
      `--advertise-address=${address}`,
      `--secure-port=${ports.api}`,
      `--cert-dir=${join(stateDir, 'pki')}`,
      `--token-auth-file=${join(stateDir, 'tokens.csv')}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged',
      `--service-cluster-ip-range=${serviceCidr}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${join(stateDir, 'service-account.pub')}`,
      `--service-account-signing-key-file=${join(stateDir, 'service-account.key')}`,
      // Endpoints may not name a loopback address, and a bare control plane has no pods that would use them.
      ...(isLoopback ? ['--endpoint-reconciler-type=none'] : []),
      '--kubelet-preferred-address-types=InternalIP',
      `--feature-gates=CrossNamespaceVolumeDataSource=${crossNamespaceSources}`,
      `--audit-policy-file=${join(stateDir, 'audit-policy.json')}`,
      `--audit-log-path=${join(stateDir, 'audit.log')}`,
      '--audit-log-maxsize=64',
      '--audit-log-maxbackup=2',
      '--max-requests-inflight=2000',
      '--max-mutating-requests-inflight=1000',
    ],
  };
}

/** The default of 20 requests a second would be what benchmarks measure. */
const clientRate = ['--kube-api-qps=1000', '--kube-api-burst=2000'];

export function controllerManager(options: ControlPlaneOptions, addresses: Addresses): Component {
  const { stateDir, address } = options;
  return {
    name: 'kube-controller-manager',
    program: join(options.binDir, 'kube-controller-manager'),
    readyUrl: `https://${address}:10257/healthz`,
    args: [
      `--kubeconfig=${kubeconfigFile(stateDir, 'kube-controller-manager')}`,
      `--bind-address=${address}`,
      `--cluster-cidr=${addresses.podCidr}`,
      `--service-cluster-ip-range=${serviceCidr}`,
      `--service-account-private-key-file=${join(stateDir, 'service-account.key')}`,
      `--root-ca-file=${caFile(stateDir)}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
      '--node-monitor-period=2s',
      '--node-monitor-grace-period=20s',
      ...clientRate,
    ],
  };
}

export function scheduler(options: ControlPlaneOptions): Component {
  return {
    name: 'kube-scheduler',
    program: join(options.binDir, 'kube-scheduler'),
    readyUrl: `https://${options.address}:10259/readyz`,
    args: [`--config=${join(options.stateDir, 'scheduler.json')}`, `--bind-address=${options.address}`],
  };
}

/** Pods that name it as their scheduler are given up on after five seconds without their volumes, and tried again. */
export const impatientScheduler = 'impatient-scheduler';

export function schedulerConfiguration(stateDir: string, bindTimeoutSeconds: number): object {
  const apiVersion = 'kubescheduler.config.k8s.io/v1';
  const profile = (schedulerName: string, timeout: number) => {
    const args = { apiVersion, kind: 'VolumeBindingArgs', bindTimeoutSeconds: timeout };
    return { schedulerName, pluginConfig: [{ name: 'VolumeBinding', args }] };
  };
  return {
    apiVersion,
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    clientConnection: { kubeconfig: kubeconfigFile(stateDir, 'kube-scheduler'), qps: 1000, burst: 2000 },
    profiles: [profile('default-scheduler', bindTimeoutSeconds), profile(impatientScheduler, 5)],
  };
}

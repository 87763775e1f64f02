/** Brings up a cluster with a node, or gives the one that is up already. */
import { join } from 'node:path';
import { ensureBinaries, type Log } from './binaries.ts';
import { cgroupOf, createCgroups } from './cgroups.ts';
import type { Component } from './component.ts';
import { fingerprintOf, manifestFile, nodeFiles, writeConfigFiles } from './configuration.ts';
import { apiServer, type ControlPlaneOptions, controllerManager, etcd, nodePorts, scheduler } from './control-plane.ts';
import { writeCredentials, writeKubeconfigs } from './credentials.ts';
import { type ClusterHandle, handleOf } from './handle.ts';
import { loadOwnImages } from './images.ts';
import { kubectl, type KubectlTarget } from './kubectl.ts';
import { Launcher } from './launcher.ts';
import { localPathProvisioner } from './local-path.ts';
import { withLock } from './lock.ts';
import { createNamespace } from './namespace.ts';
import { addressesOf, chooseSlot, connectNamespace } from './network.ts';
import { containerd, kubelet, kubeProxy, nodeNameOf, type NodeOptions } from './node.ts';
import { ensureNodePackages } from './packages.ts';
import { clusterRoot, defaultClusterName, driverName, stateDirOf } from './paths.ts';
import { type ClusterState, bootId, readState } from './state.ts';
import { staleReason } from './stale.ts';
import { csiDriver, csiProvisioner, csiResizer, csiSnapshotter, snapshotController, snapshotCrds } from './storage.ts';
import { tearDown } from './teardown.ts';
import { waitFor } from './wait.ts';

export interface ClusterUpOptions {
  readonly name?: string;
  readonly log?: Log;
  /** How long the scheduler waits for a volume to be bound before it gives up (Kubernetes' default: 600). */
  readonly schedulerBindTimeoutSeconds?: number;
}

interface Plan {
  readonly state: ClusterState;
  readonly control: ControlPlaneOptions;
  readonly node: NodeOptions;
  readonly files: ReturnType<typeof nodeFiles>;
  readonly components: ReturnType<typeof componentsOf>;
}

export async function clusterUp(options: ClusterUpOptions = {}): Promise<ClusterHandle> {
  const { name = defaultClusterName, log = () => {}, schedulerBindTimeoutSeconds = 600 } = options;
  const stateDir = stateDirOf(name);
  await ensureNodePackages(log);
  const binDir = await ensureBinaries(log);
  return withLock(join(clusterRoot(), `${name}.lock`), async () => {
    const found = readState(name);
    const plan = planNode({
      name,
      stateDir,
      binDir,
      slot: found?.slot ?? (await chooseSlot(name)),
      schedulerBindTimeoutSeconds,
    });
    const reason = staleReason(found, plan.state, stateDir);
    if (reason === undefined && found !== undefined) return handleOf(found);
    if (reason !== undefined) log(`replacing cluster ${name}: ${reason}`);
    await tearDown(name, log);
    return handleOf(await bringUp(plan, log));
  });
}

interface PlanInput {
  readonly name: string;
  readonly stateDir: string;
  readonly binDir: string;
  readonly slot: number;
  readonly schedulerBindTimeoutSeconds: number;
}

function planNode({ name, stateDir, binDir, slot, schedulerBindTimeoutSeconds }: PlanInput): Plan {
  const addresses = addressesOf(slot);
  const control = { stateDir, binDir, address: addresses.node, ports: nodePorts };
  const node = { stateDir, binDir, nodeName: nodeNameOf(name), cgroup: cgroupOf(name), addresses };
  const files = nodeFiles(node, schedulerBindTimeoutSeconds);
  const components = componentsOf(control, node);
  const fingerprint = fingerprintOf({ files, components: Object.values(components) });
  const server = `https://${addresses.node}:${nodePorts.api}`;
  const state: ClusterState = {
    version: 1,
    name,
    kind: 'node',
    bootId: bootId(),
    fingerprint,
    slot,
    ports: nodePorts,
    server,
    binDir,
    complete: false,
    processes: [],
  };
  return { state, control, node, files, components };
}

function componentsOf(control: ControlPlaneOptions, node: NodeOptions) {
  return {
    etcd: etcd(control),
    apiServer: apiServer(control),
    controllerManager: controllerManager(control, node.addresses),
    scheduler: scheduler(control),
    containerd: containerd(node),
    kubelet: kubelet(node),
    kubeProxy: kubeProxy(node),
    csiDriver: csiDriver(node),
    csiProvisioner: csiProvisioner(node),
    snapshotController: snapshotController(node),
    csiSnapshotter: csiSnapshotter(node),
    csiResizer: csiResizer(node),
    localPathProvisioner: localPathProvisioner(node),
  } satisfies Record<string, Component>;
}

async function bringUp(plan: Plan, log: Log): Promise<ClusterState> {
  const { state, node, components } = plan;
  const { stateDir, binDir } = node;
  const started = Date.now();
  writeConfigFiles(stateDir, plan.files);
  const tokens = writeCredentials(stateDir, node.nodeName);
  createCgroups(node.cgroup);
  const init = await createNamespace({ stateDir, pause: join(binDir, 'pause') });
  await connectNamespace(init.pid, stateDir, node.addresses);
  const launcher = new Launcher(
    { stateDir, init },
    { ...state, processes: [{ name: 'namespaces', log: '', ...init }] },
  );
  log(`starting cluster ${state.name}: ${state.server}, state in ${stateDir}`);

  await launcher.start(components.etcd);
  await Promise.all([launcher.startAndWait(components.apiServer), launcher.startAndWait(components.containerd)]);
  writeKubeconfigs({ stateDir, server: state.server, name: state.name, tokens });
  log(`API server ready after ${elapsed(started)} s`);

  const images = loadOwnImages(stateDir, binDir);
  const { controllerManager, scheduler, kubelet, kubeProxy, csiDriver } = components;
  await Promise.all([
    images,
    ...[controllerManager, scheduler, kubelet, kubeProxy, csiDriver].map((component) =>
      launcher.startAndWait(component),
    ),
    installStorage(handleOf(state), launcher, components),
  ]);
  await waitForNode(handleOf(state), node.nodeName);
  log(`node and storage ready after ${elapsed(started)} s`);
  return launcher.complete();
}

async function installStorage(
  cluster: KubectlTarget,
  launcher: Launcher,
  components: Plan['components'],
): Promise<void> {
  const crds = ['crds-snapshotter', 'crds-provisioner'].map((dir) => join(cluster.binDir, dir, '/'));
  const manifests = ['storage.yaml', 'storage-rbac.yaml', 'local-path.yaml', 'dns.yaml'];
  const files = [...crds, ...manifests.map(manifestFile)];
  await kubectl(cluster, ['apply', '--server-side', ...files.map((file) => `--filename=${file}`)]);
  await kubectl(cluster, [
    'wait',
    '--for=condition=Established',
    '--timeout=30s',
    ...snapshotCrds.map((crd) => `crd/${crd}`),
  ]);
  await kubectl(cluster, ['apply', '--server-side', `--filename=${manifestFile('snapshot-class.yaml')}`]);
  const { csiProvisioner, csiResizer, csiSnapshotter, snapshotController, localPathProvisioner } = components;
  await Promise.all(
    [csiProvisioner, csiResizer, csiSnapshotter, snapshotController, localPathProvisioner].map((component) =>
      launcher.startAndWait(component),
    ),
  );
}

/** Ready, known to the driver, and the default ServiceAccount there: a pod with a claim can be created right away. */
async function waitForNode(cluster: KubectlTarget, nodeName: string): Promise<void> {
  const questions = [
    ['get', 'node', nodeName, '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}'],
    ['get', 'csinode', nodeName, `-o=jsonpath={.spec.drivers[?(@.name=="${driverName}")].nodeID}`],
    ['get', 'serviceaccount', 'default', '-o=jsonpath={.metadata.name}'],
  ];
  const wanted = ['True', nodeName, 'default'];
  await waitFor({
    what: `node ${nodeName} to be ready`,
    timeoutMs: 90_000,
    intervalMs: 250,
    check: async () => {
      const answers = await Promise.all(
        questions.map((args) => kubectl(cluster, args).catch((error: unknown) => String(error))),
      );
      return answers.every((answer, index) => answer === wanted[index])
        ? { done: true }
        : { done: false, seen: `Ready, driver, service account: ${JSON.stringify(answers)}` };
    },
  });
}

function elapsed(since: number): string {
  return ((Date.now() - since) / 1000).toFixed(1);
}

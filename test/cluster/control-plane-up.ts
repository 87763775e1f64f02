/** etcd and kube-apiserver alone, on loopback ports, without root: what integration tests need. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ensureBinaries, type Log } from './binaries.ts';
import { controlPlaneFiles, fingerprintOf, writeConfigFiles } from './configuration.ts';
import { apiServer, type ControlPlaneOptions, etcd } from './control-plane.ts';
import { writeCredentials, writeKubeconfigs } from './credentials.ts';
import { type ClusterHandle, handleOf } from './handle.ts';
import { Launcher } from './launcher.ts';
import { withLock } from './lock.ts';
import { clusterRoot, stateDirOf } from './paths.ts';
import { staleReason } from './stale.ts';
import { bootId, type ClusterState, type ControlPlanePorts, readState } from './state.ts';
import { tearDown } from './teardown.ts';

const address = '127.0.0.1';
const defaultName = 'control-plane';

export interface ControlPlaneUpOptions extends Pick<ControlPlaneOptions, 'crossNamespaceSources'> {
  readonly name?: string;
  readonly log?: Log;
}

export async function controlPlaneUp(options: ControlPlaneUpOptions = {}): Promise<ClusterHandle> {
  const { name = defaultName, log = () => {}, ...more } = options;
  const binDir = await ensureBinaries(log);
  return withLock(join(clusterRoot(), `${name}.lock`), async () => {
    const found = readState(name);
    const wanted = planControlPlane(name, binDir, { ...more, ports: found?.ports ?? (await freePorts()) });
    const reason = staleReason(found, wanted.state, wanted.stateDir);
    if (reason === undefined && found !== undefined) return handleOf(found);
    if (reason !== undefined) log(`replacing control plane ${name}: ${reason}`);
    await tearDown(name, log);
    return handleOf(await bringUp(planControlPlane(name, binDir, { ...more, ports: await freePorts() }), log));
  });
}

function planControlPlane(
  name: string,
  binDir: string,
  more: Pick<ControlPlaneOptions, 'ports' | 'crossNamespaceSources'>,
) {
  const stateDir = stateDirOf(name);
  const options = { ...more, stateDir, binDir, address };
  const components = { etcd: etcd(options), apiServer: apiServer(options) };
  const files = controlPlaneFiles();
  const state: ClusterState = {
    version: 1,
    name,
    kind: 'control-plane',
    bootId: bootId(),
    fingerprint: fingerprintOf({ files, components: Object.values(components) }),
    slot: null,
    ports: more.ports,
    server: `https://${address}:${more.ports.api}`,
    binDir,
    complete: false,
    processes: [],
  };
  return { stateDir, state, components, files };
}

async function bringUp(plan: ReturnType<typeof planControlPlane>, log: Log): Promise<ClusterState> {
  const started = Date.now();
  const { stateDir, state, components } = plan;
  writeConfigFiles(stateDir, plan.files);
  const tokens = writeCredentials(stateDir, 'none');
  const launcher = new Launcher({ stateDir, init: undefined }, state);
  await launcher.start(components.etcd);
  await launcher.startAndWait(components.apiServer);
  writeKubeconfigs({ stateDir, server: state.server, name: state.name, tokens });
  log(`control plane ${state.name} ready after ${((Date.now() - started) / 1000).toFixed(1)} s: ${state.server}`);
  return launcher.complete();
}

/** Ports that were free a moment ago. All are held until the last is known, so they differ. */
async function freePorts(): Promise<ControlPlanePorts> {
  const servers = await Promise.all([0, 1, 2].map(() => listenAnywhere()));
  const [api, etcdClient, etcdPeer] = servers.map(({ port }) => port);
  await Promise.all(servers.map(({ close }) => close()));
  if (api === undefined || etcdClient === undefined || etcdPeer === undefined) throw new Error('unreachable');
  return { api, etcd: etcdClient, etcdPeer };
}

function listenAnywhere(): Promise<{ port: number; close: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, address, () => {
      const bound = server.address();
      if (bound === null || typeof bound === 'string') throw new Error('unreachable');
      const close = () =>
        new Promise<void>((done) =>
          server.close(() => {
            done();
          }),
        );
      resolve({ port: bound.port, close });
    });
  });
}

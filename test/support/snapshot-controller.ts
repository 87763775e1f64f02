/** Upstream's own snapshot controller as a process beside an API server, its CRDs, and its sidecar with the CSI driver of the test cluster. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { NewObject } from '../../src/api/objects.ts';
import { ensureBinaries } from '../cluster/binaries.ts';
import { eventually } from './eventually.ts';

export interface SnapshotControllerProcess {
  /** What it has logged, for the words of a failing test. */
  log(): string;
  stop(): Promise<void>;
}

const kinds = ['volumesnapshotclasses', 'volumesnapshotcontents', 'volumesnapshots'];

export async function snapshotCrds(): Promise<NewObject[]> {
  const directory = join(await ensureBinaries(() => {}), 'crds-snapshotter');
  return kinds.map(
    (plural) => parse(readFileSync(join(directory, `snapshot.storage.k8s.io_${plural}.yaml`), 'utf8')) as NewObject,
  );
}

/** It ends by itself where the CRDs are not there. */
export async function startSnapshotController(kubeconfig: string): Promise<SnapshotControllerProcess> {
  const args = [
    `--kubeconfig=${kubeconfig}`,
    ...brisk,
    // Without the kinds of group snapshots it would wait for them first.
    '--feature-gates=CSIVolumeGroupSnapshot=false',
  ];
  return start('snapshot-controller', args);
}

/** The name of the driver that the sidecar below runs for. */
export const SIDECAR_DRIVER = 'csi.test.volprime.dev';

/** A csi-snapshotter with a real driver, which knows no volumes: each capture that it begins fails. */
export async function startCsiSnapshotter(kubeconfig: string, dir: string): Promise<SnapshotControllerProcess> {
  const socket = join(dir, 'csi.sock');
  const driver = await start('csi-driver', [`-socket=${socket}`, `-state-dir=${join(dir, 'csi')}`, '-node=none']);
  await eventually('the CSI driver to listen', () => existsSync(socket));
  const args = [`--kubeconfig=${kubeconfig}`, ...brisk, `--csi-address=${socket}`, '--timeout=10s'];
  const sidecar = await start('csi-snapshotter', args);
  const stop = async () => {
    await sidecar.stop();
    await driver.stop();
  };
  return { log: sidecar.log, stop };
}

const brisk = [
  '--kube-api-qps=500',
  '--kube-api-burst=1000',
  '--retry-interval-start=100ms',
  '--retry-interval-max=1s',
];

async function start(name: string, args: readonly string[]): Promise<SnapshotControllerProcess> {
  const program = join(await ensureBinaries(() => {}), name);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let lines = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lines = (lines + text).slice(-20_000);
  });
  const ended = once(child, 'exit');
  return {
    log: () => lines,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

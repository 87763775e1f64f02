/** Upstream's own snapshot controller as a process beside an API server, and its CRDs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { NewObject } from '../../src/api/objects.ts';
import { ensureBinaries } from '../cluster/binaries.ts';

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
  const program = join(await ensureBinaries(() => {}), 'snapshot-controller');
  const args = [
    `--kubeconfig=${kubeconfig}`,
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    '--retry-interval-start=100ms',
    '--retry-interval-max=1s',
    // Without the kinds of group snapshots it would wait for them first.
    '--feature-gates=CSIVolumeGroupSnapshot=false',
  ];
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

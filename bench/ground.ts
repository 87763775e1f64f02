/** The cluster below: the benchmark's own, with what it needs loaded, or one that is given. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { clusterDown, type ClusterHandle, clusterUp, loadImage } from '../test/cluster/index.ts';
import { AuditLog } from './audit-log.ts';
import { IMAGE } from './objects.ts';
import type { Options } from './options.ts';

export interface Ground extends AsyncDisposable {
  readonly kubeconfig: string;
  /** Address of this machine that pods reach; undefined: pods cannot be measured. */
  readonly hostAddress: string | undefined;
  /** The cluster's own processes; empty where they are not on this machine. */
  readonly processes: readonly number[];
  /** Absent where the API server is not ours. */
  readonly audit: AuditLog | undefined;
}

const CLUSTER = 'bench';
/** Slower clients would be what is measured. */
const LEAST_QPS = 500;
const projectDir = join(import.meta.dirname, '..');
const imageFile = join(projectDir, 'build', 'bench', 'image.tar');

type Say = (line: string) => void;

export async function openGround(options: Options, say: Say): Promise<Ground> {
  if (options.kubeconfig !== undefined) {
    const { kubeconfig, hostAddress } = options;
    return { kubeconfig, hostAddress, processes: [], audit: undefined, [Symbol.asyncDispose]: async () => {} };
  }
  let isNew = false;
  const log = (line: string) => {
    isNew ||= line.startsWith('starting cluster');
    say(line);
  };
  const cluster = await clusterUp({ name: CLUSTER, log });
  const end = async () => {
    if (isNew && !options.keep) await clusterDown({ name: CLUSTER, log: say });
  };
  try {
    const processes = await processesOf(cluster);
    await checkRates(processes);
    if (options.groups.some((group) => group === 'pod' || group === 'pods')) await loadPopulator(cluster, say);
    const { kubeconfig, hostAddress, stateDir } = cluster;
    const pids = [...processes.values()];
    return { kubeconfig, hostAddress, processes: pids, audit: new AuditLog(stateDir), [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function loadPopulator(cluster: ClusterHandle, say: Say): Promise<void> {
  say('building the image (up to a minute) and loading it');
  const builder = join(projectDir, 'image', 'build.ts');
  const child = spawn(process.execPath, [builder, '--out', imageFile, '--tag', IMAGE], { stdio: ['ignore', 2, 2] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`image/build.ts ended with code ${code}`);
  await loadImage(cluster, imageFile);
}

const stateSchema = z.object({ processes: z.array(z.object({ name: z.string(), pid: z.number() })) });

/** By the name of the program. */
async function processesOf({ stateDir }: ClusterHandle): Promise<ReadonlyMap<string, number>> {
  const { processes } = stateSchema.parse(JSON.parse(await readFile(join(stateDir, 'state.json'), 'utf8')));
  return new Map(processes.map(({ name, pid }) => [name, pid]));
}

/** @throws where kube-controller-manager or csi-provisioner run with a client rate that would be what is measured. */
async function checkRates(processes: ReadonlyMap<string, number>): Promise<void> {
  for (const name of ['kube-controller-manager', 'csi-provisioner']) {
    const flags = (await readFile(`/proc/${processes.get(name)}/cmdline`, 'utf8')).split('\0');
    const qps = Number(flags.find((flag) => flag.startsWith('--kube-api-qps='))?.split('=')[1] ?? 0);
    if (qps < LEAST_QPS) throw new Error(`${name} runs with --kube-api-qps=${qps}; at least ${LEAST_QPS} is needed`);
  }
}

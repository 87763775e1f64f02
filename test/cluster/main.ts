/** Command line: node test/cluster/main.ts build|up|down|status|kubeconfig|load-image|sanity. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBinaries, goEnvironment, moduleDir } from './binaries.ts';
import { goModules, sourceServers } from './go-modules.ts';
import { handleOf } from './handle.ts';
import { clusterDown, clusterUp, controlPlaneUp, loadImage } from './index.ts';
import { ensureNodePackages } from './packages.ts';
import { defaultClusterName, stateDirOf } from './paths.ts';
import { isAlive } from './process-table.ts';
import { bootId, type ClusterState, readState } from './state.ts';

const usage = `usage: node test/cluster/main.ts COMMAND [--name NAME]

  build             build or install every program that the cluster and the tests run, once per machine
  up [--control-plane] [--bind-timeout SECONDS]
                    start the cluster, or say that it is up; --control-plane: only etcd and kube-apiserver
  down              end it and remove all that it left
  status            its processes
  kubeconfig        print the path of its kubeconfig
  load-image TAR    import an image
  sanity            run the CSI project's conformance suite against the test driver

--name NAME         which cluster (default ${defaultClusterName}); several can run side by side
`;

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      'control-plane': { type: 'boolean' },
      'bind-timeout': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const [command, argument] = positionals;
  const name = values.name ?? defaultClusterName;
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  switch (command) {
    case 'build':
      await ensureBinaries(log);
      await ensureBinaries(log, sourceServers);
      if (process.getuid?.() === 0) await ensureNodePackages(log);
      return 0;
    case 'up':
      await up({ name, isBare: values['control-plane'] === true, bindTimeout: values['bind-timeout'] });
      return 0;
    case 'down':
      await clusterDown({ name, log });
      return 0;
    case 'status':
      return status(name);
    case 'kubeconfig':
      process.stdout.write(`${handleOf(requireState(name)).kubeconfig}\n`);
      return 0;
    case 'load-image':
      if (argument === undefined) break;
      await loadImage(handleOf(requireState(name)), resolve(argument));
      return 0;
    case 'sanity':
      return sanity();
    default:
  }
  process.stderr.write(usage);
  return 2;
}

interface UpCommand {
  readonly name: string;
  readonly isBare: boolean;
  readonly bindTimeout: string | undefined;
}

async function up({ name, isBare, bindTimeout }: UpCommand): Promise<void> {
  const seconds = bindTimeout === undefined ? {} : { schedulerBindTimeoutSeconds: Number(bindTimeout) };
  const cluster = await (isBare ? controlPlaneUp({ name, log }) : clusterUp({ name, log, ...seconds }));
  log(`cluster ${name} is up`);
  process.stdout.write(`export KUBECONFIG=${cluster.kubeconfig}\nexport PATH=${cluster.binDir}:$PATH\n`);
}

function requireState(name: string): ClusterState {
  const state = readState(name);
  if (state === undefined) throw new Error(`there is no cluster ${name} (see: up)`);
  return state;
}

/** @returns 1 when something of the cluster does not run. */
function status(name: string): number {
  const state = requireState(name);
  const sameBoot = state.bootId === bootId();
  const lines = state.processes.map((record) => {
    const runs = sameBoot && isAlive(record);
    return {
      runs,
      line: `${record.name.padEnd(26)}${runs ? 'running' : 'dead   '}  ${String(record.pid).padEnd(9)}${record.log}`,
    };
  });
  process.stdout.write(`${state.name} (${state.kind}) ${state.server}  ${stateDirOf(name)}\n`);
  process.stdout.write(`${lines.map(({ line }) => line).join('\n')}\n`);
  return state.complete && lines.every(({ runs }) => runs) ? 0 : 1;
}

/** Once for each way in which the driver keeps volumes. */
async function sanity(): Promise<number> {
  for (const backing of ['directory', 'image']) {
    log(`CSI sanity, volumes as ${backing}`);
    const code = await goTest({ SANITY_BACKING: backing });
    if (code !== 0) return code;
  }
  return 0;
}

function goTest(env: NodeJS.ProcessEnv): Promise<number> {
  const module = goModules.find((candidate) => candidate.name === 'csi-driver');
  if (module === undefined) throw new Error('unreachable');
  const child = spawn('go', ['test', '-count=1', '.'], {
    cwd: moduleDir(module),
    env: { ...goEnvironment(module), ...env },
    stdio: 'inherit',
  });
  return new Promise((done, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      done(code ?? 1);
    });
  });
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    log(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  },
);

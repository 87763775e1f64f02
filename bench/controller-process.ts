/** The controller as users run it (the bundle that goes into the image), as a process of this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundle } from '../image/bundle.ts';
import { IMAGE, NAMESPACE } from './objects.ts';

const projectDir = join(import.meta.dirname, '..');
const outDir = join(projectDir, 'build', 'bench');

export interface ControllerOptions {
  readonly kubeconfig: string;
  readonly profile: string | undefined;
  /** Beside one that leads: it is there when its caches are warm. */
  readonly standsBy?: boolean;
}

export interface Memory {
  /** Resident set in MB now, and the most that it ever was. */
  readonly now: number;
  readonly peak: number;
}

/** Bundles controller and plugin; a process that strips types at run time would use more memory than the shipped one. */
export async function buildController(): Promise<void> {
  await bundle(projectDir, join(outDir, 'dist'));
  await build({
    entryPoints: [join(projectDir, 'bench', 'plugins', 'instant.ts')],
    outfile: join(outDir, 'instant.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
  });
}

export class ControllerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #kill = () => void this.#child.kill('SIGKILL');
  #wanted = true;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
    // Nobody would ever populate what is waited for.
    child.once('exit', (code) => {
      if (this.#wanted) throw new Error(`the controller ended with exit code ${code}; see build/bench/controller.log`);
    });
  }

  /** Resolves when it leads, or stands by, with warm caches. */
  static async start({ kubeconfig, profile, standsBy = false }: ControllerOptions): Promise<ControllerProcess> {
    await mkdir(outDir, { recursive: true });
    const port = await freePort();
    const flags = {
      kubeconfig,
      plugin: join(outDir, 'instant.mjs'),
      'populator-image': IMAGE,
      'image-pull-policy': 'Never',
      'lease-namespace': NAMESPACE,
      // A machine that pauses must not end a measurement.
      'lease-duration-ms': '300000',
      'lease-renew-ms': '250000',
      [standsBy ? 'health-port' : 'metrics-port']: String(port),
      [standsBy ? 'metrics-port' : 'health-port']: '0',
    };
    const program = join(outDir, 'dist', 'controller-main.js');
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    const args = [...profiling, program, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
    const log = openSync(join(outDir, 'controller.log'), 'a');
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', log, log],
      env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
    });
    const started = new ControllerProcess(child, port);
    process.once('exit', started.#kill);
    await started.#serves(
      standsBy ? '/readyz' : '/metrics',
      standsBy ? /^ok/ : /^leader_election_master_status\{.*\} 1$/m,
    );
    return started;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the controller could not be started');
    return this.#child.pid;
  }

  async memory(): Promise<Memory> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    const megabytes = (field: string) =>
      (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6;
    return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#kill);
    this.#wanted = false;
    if (this.#ended) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 40_000);
    await exit;
    clearTimeout(timer);
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #serves(path: string, wanted: RegExp): Promise<void> {
    const end = performance.now() + 60_000;
    while (performance.now() < end) {
      if (this.#ended) throw new Error('the controller ended; see build/bench/controller.log');
      const answer = await fetch(`http://127.0.0.1:${this.#port}${path}`).then(
        (response) => response.text(),
        () => '',
      );
      if (wanted.test(answer)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('the controller does not lead or stand by after 60 s; see build/bench/controller.log');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('unreachable');
  return address.port;
}

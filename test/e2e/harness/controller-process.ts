/**
 * The controller as a child process of the test: killed, frozen, thawed and started again at will, confined to the test's namespaces,
 * with the rights that deploy/ gives it and no others.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leases } from '../../../src/api/resources.ts';
import { type Cluster, controllerImage, projectDir } from './cluster.ts';
import { type Mark, marksIn } from './crash-points.ts';
import { leaseNamespace } from './namespaces.ts';
import type { Program } from './program.ts';
import { until } from './until.ts';

export interface ControllerOptions {
  readonly cluster: Cluster;
  readonly program: Program;
  /** Names its log, its lease and the directory of its crash points. */
  readonly name: string;
  readonly namespaces: readonly string[];
  /** Of the controller's own account. */
  readonly kubeconfig: string;
  /** For log and crash points. */
  readonly directory: string;
  readonly leaseName: string;
  readonly plugins?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** More of the controller's flags, without the dashes. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Runs after a death that nobody here asked for, before the next start. */
  readonly onCrash?: () => Promise<void>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Short where another process waits to take over. One that is alone never waits for its own lease (see freeLease), and must not lose it
 * because the machine has much to do: it would start again and again, which is more to do.
 */
const LEASE = {
  shared: { duration: 4000, renew: 3000, retry: 500 },
  alone: { duration: 30_000, renew: 25_000, retry: 3000 },
} as const;

/** Of some hundred starts in a run each spends a third less. */
const compileCache = join(projectDir, 'build/e2e/compile-cache');

export class ControllerProcess implements AsyncDisposable {
  readonly #options: ControllerOptions;
  readonly #exits: Exit[] = [];
  readonly #log: number;
  #child: ChildProcess | undefined;
  #ending: Promise<void> = Promise.resolve();
  #wanted = false;
  /** Where in the log the process that runs now begins. */
  #born = 0;
  #failure: unknown;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#log = openSync(this.#logFile, 'a');
  }

  /** Starts it, and again each time it dies until told otherwise. */
  start(): void {
    this.#wanted = true;
    this.#spawn();
  }

  /** Ends of the process that nobody here asked for: the crash points, if all is well. */
  get exits(): readonly Exit[] {
    return this.#exits;
  }

  /** The crash points that were hit. */
  marks(): readonly Mark[] {
    return marksIn(this.#options.directory);
  }

  /** Lets it end in order. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Kills it; it stays dead until `start`. Its lease stays as it was. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Nobody needs to wait for the lease of a process that is known to be dead. */
  async freeLease(): Promise<void> {
    const { cluster, leaseName } = this.#options;
    const lease = await cluster.client.get(leases, { namespace: leaseNamespace, name: leaseName });
    if (lease !== undefined) await cluster.client.delete(leases, lease.metadata, { uid: lease.metadata.uid });
  }

  /** @throws what went wrong with the process itself, so that a test need not wait for a cluster that nobody works on. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** What Prometheus would get of the process that runs now: a value for each series, with its labels as they are written there. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const port = await until(`${this.#options.name} to serve metrics`, () => {
      this.check();
      const lines = this.log().slice(this.#born).split('\n');
      return /"port":(\d+)/.exec(lines.find((line) => line.includes('serving metrics')) ?? '')?.[1];
    });
    const ask = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    // The text is shared for a second, and its processor time tells one from the next.
    const before = await ask();
    const text = await until('metrics that were made after now', ask, (now) => now !== before);
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
  }

  log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** Resolves when a line of its log holds all these texts; its own failure ends the wait. */
  async logged(...texts: readonly string[]): Promise<string> {
    const line = await until(
      `${this.#options.name} to log ${texts.join(', ')}`,
      () => {
        this.check();
        return this.log()
          .split('\n')
          .find((candidate) => texts.every((text) => candidate.includes(text)));
      },
      (found) => found !== undefined,
    );
    return line ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await this.stop();
    closeSync(this.#log);
    await this.freeLease();
    this.check();
  }

  get #logFile(): string {
    return join(this.#options.directory, `${this.#options.name}.log`);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#wanted = false;
    this.#child?.kill(signal);
    await this.#ending;
  }

  #spawn(): void {
    const { program, env } = this.#options;
    this.#born = this.log().length;
    const hook = join(projectDir, 'test/e2e/harness/resolve-volprime.mjs');
    const child = spawn(process.execPath, ['--import', hook, program.controller, ...this.#flags()], {
      stdio: ['ignore', this.#log, this.#log],
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compileCache, VOLPRIME_E2E_SDK: program.sdk, ...env },
    });
    this.#child = child;
    const ended = Promise.withResolvers<void>();
    this.#ending = ended.promise;
    child.once('exit', (code, signal) => {
      this.#child = undefined;
      ended.resolve();
      if (this.#wanted) this.#again({ code, signal }).catch((error: unknown) => (this.#failure = error));
    });
  }

  async #again(exit: Exit): Promise<void> {
    this.#exits.push(exit);
    // Losing the lease ends the process in order, and a machine with much to do may bring that about.
    const explained = exit.signal !== null || this.log().slice(this.#born).includes('leadership lost');
    if (!explained) throw new Error(`${this.#options.name} ended with exit code ${exit.code}:\n${this.#tail()}`);
    await this.#options.onCrash?.();
    if (this.#options.leaseName === this.#options.name) await this.freeLease();
    if (this.#wanted) this.#spawn();
  }

  #tail(): string {
    return this.log().split('\n').slice(-20).join('\n');
  }

  #flags(): string[] {
    const { name, namespaces, kubeconfig, directory, leaseName, plugins } = this.#options;
    const lease = LEASE[leaseName === name ? 'alone' : 'shared'];
    const flags: Readonly<Record<string, string | undefined>> = {
      kubeconfig,
      namespaces: namespaces.join(','),
      plugin: plugins?.join(','),
      'populator-image': controllerImage,
      'image-pull-policy': 'IfNotPresent',
      'lease-name': leaseName,
      'lease-namespace': leaseNamespace,
      'lease-duration-ms': String(lease.duration),
      'lease-renew-ms': String(lease.renew),
      'lease-retry-ms': String(lease.retry),
      'health-port': '0',
      'metrics-port': '0',
      'log-level': 'debug',
      'crash-point-directory': directory,
      ...this.#options.flags,
    };
    return Object.entries(flags).flatMap(([flag, value]) =>
      value === undefined ? [] : [`--${flag}`, value].filter(Boolean),
    );
  }
}

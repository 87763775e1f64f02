/** Starts the processes of a cluster, detached so that they outlive the command, and watches them until they are ready. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { insideNamespace } from './namespace.ts';
import { childOf, identify, isAlive, type ProcessIdentity } from './process-table.ts';
import { request } from './request.ts';
import type { ProcessRecord } from './state.ts';
import { waitFor } from './wait.ts';

export interface Component {
  readonly name: string;
  /** Path of the program. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Answers 200 once the component works. */
  readonly readyUrl?: string;
  /** Exists once the component works. */
  readonly readyFile?: string;
}

export interface LaunchTarget {
  readonly stateDir: string;
  /** First process of the cluster's namespaces; without it components run as plain processes of this machine. */
  readonly init: ProcessIdentity | undefined;
}

export async function launch(target: LaunchTarget, component: Component): Promise<ProcessRecord> {
  const logDir = join(target.stateDir, 'logs');
  mkdirSync(logDir, { recursive: true });
  const log = join(logDir, `${component.name}.log`);
  const [file, args] =
    target.init === undefined
      ? [component.program, [...component.args]]
      : insideNamespace(target.init.pid, component.program, component.args);
  const output = openSync(log, 'a');
  const child = spawn(file, args, {
    cwd: '/',
    detached: true,
    stdio: ['ignore', output, output],
    env: componentEnvironment(component),
  });
  closeSync(output);
  child.unref();
  const identity = await processOf({ child, component, log, isWrapped: target.init !== undefined });
  return { name: component.name, log, ...identity };
}

/** No proxy settings of the caller: they would catch requests to the API server. */
function componentEnvironment(component: Component): NodeJS.ProcessEnv {
  const base = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: '/root' };
  return { ...base, ...component.env };
}

interface Started {
  readonly child: ReturnType<typeof spawn>;
  readonly component: Component;
  readonly log: string;
  readonly isWrapped: boolean;
}

/** nsenter forks to enter a PID namespace: the component is its child. */
async function processOf({ child, component, log, isWrapped }: Started): Promise<ProcessIdentity> {
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  let found: ProcessIdentity | undefined;
  await waitFor({
    what: `${component.name} to start`,
    timeoutMs: 10_000,
    intervalMs: 5,
    check: () => {
      if (failure !== undefined) throw failure;
      if (child.exitCode !== null) throw new Error(`${component.name} ended with ${child.exitCode}:\n${tail(log)}`);
      if (child.pid !== undefined) found = isWrapped ? childOf(child.pid) : identify(child.pid);
      return found === undefined ? { done: false, seen: 'no process' } : { done: true };
    },
  });
  if (found === undefined) throw new Error('unreachable');
  return found;
}

export async function waitUntilReady(component: Component, record: ProcessRecord): Promise<void> {
  await waitFor({
    what: `${component.name} to be ready`,
    timeoutMs: 60_000,
    intervalMs: 50,
    check: async () => {
      assertAlive(record);
      if (component.readyFile !== undefined && !existsSync(component.readyFile)) {
        return { done: false, seen: `no ${component.readyFile}` };
      }
      if (component.readyUrl === undefined) return { done: true };
      const answer = await request({ url: component.readyUrl });
      return answer.status === 200
        ? { done: true }
        : { done: false, seen: `${answer.status} ${answer.body.slice(0, 300)}` };
    },
  });
}

/** @throws with the end of its log when the process is gone. */
export function assertAlive(record: ProcessRecord): void {
  if (!isAlive(record)) throw new Error(`${record.name} has died; the end of ${record.log}:\n${tail(record.log)}`);
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  } catch {
    return '(no log)';
  }
}

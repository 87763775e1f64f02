/** What runs: our populator as it is in the image, and what somebody would type instead. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../image/bundle.ts';

const projectDir = join(import.meta.dirname, '../..');
const buildDir = join(projectDir, 'build/bench');
/** Holds a `sync` that does nothing: the floors do not flush either, unless a case says so. */
const noSyncDir = join(buildDir, 'no-sync');

export interface Command {
  readonly arguments: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Run {
  readonly seconds: number;
  /** MiB; of the command's own process, without those that it starts. */
  readonly peakRss: number;
}

/** Bundles the populator as it goes into the image. */
export async function prepareCommands(): Promise<void> {
  await bundle(projectDir, join(buildDir, 'dist'));
  mkdirSync(noSyncDir, { recursive: true });
  writeFileSync(join(noSyncDir, 'sync'), '#!/bin/sh\n');
  chmodSync(join(noSyncDir, 'sync'), 0o755);
}

export function shell(script: string): Command {
  return { arguments: ['bash', '-o', 'pipefail', '-c', script], env: process.env };
}

export interface Population {
  readonly url: string;
  readonly target: string;
  readonly kind: 'directory' | 'device';
  readonly flush: boolean;
}

export function volprime({ url, target, kind, flush }: Population): Command {
  const task = {
    version: 2,
    plugin: 'download-and-extract',
    attemptId: 'bench',
    targets: [{ path: target, kind, spec: { sourceURL: url } }],
  };
  const path = process.env['PATH'] ?? '';
  return {
    arguments: [process.execPath, join(buildDir, 'dist/pod/main.js')],
    env: {
      PATH: flush ? path : `${noSyncDir}:${path}`,
      VOLPRIME_TASK: JSON.stringify(task),
      VOLPRIME_REPORT_PATH: join(buildDir, 'report.json'),
    },
  };
}

const LOOK_MS = 100;

/** @throws Error where the command does not end well. */
export async function runCommand({ arguments: words, env }: Command): Promise<Run> {
  const [program, ...rest] = words;
  const startedAt = performance.now();
  const child = spawn(program, rest, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  let peakRss = 0;
  const looking = setInterval(() => {
    peakRss = Math.max(peakRss, peakRssOf(child.pid));
  }, LOOK_MS);
  const [code] = await once(child, 'exit');
  const seconds = (performance.now() - startedAt) / 1000;
  clearInterval(looking);
  if (code !== 0) throw new Error(`exit code ${String(code)}: ${words.join(' ').slice(0, 500)}`);
  return { seconds, peakRss };
}

/** The kernel's own high-water mark since the program began, in MiB; 0 where the process is gone. */
function peakRssOf(pid: number | undefined): number {
  try {
    const kib = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) / 1024;
  } catch {
    return 0;
  }
}

export function installed(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What runs: our populator as it is in the image, and what somebody would type instead. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../image/bundle.ts';
import { TASK_VERSION } from '../../src/plugins/download-and-extract/index.ts';
import { POPULATOR_FLAGS } from '../../src/plugins/download-and-extract/task.ts';
import { cpuMsOfChildren } from '../cpu.ts';

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
  /** CPU time of the command and of all that it starts. */
  readonly cpuSeconds: number;
  /** MiB; of the command's own process, without those that it starts. */
  readonly peakRss: number;
  /** MiB; the most that it and those that it starts were seen to have at one moment. */
  readonly peakRssOfAll: number;
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
    version: TASK_VERSION,
    plugin: 'download-and-extract',
    attemptId: 'bench',
    targets: [{ path: target, kind, spec: { sourceURL: url } }],
  };
  return pod(task, { flush, variables: {} });
}

interface PodOptions {
  readonly flush: boolean;
  /** Beside the task and where the report goes. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The populator pod's program with a task of its own. */
export function pod(task: object, { flush, variables }: PodOptions): Command {
  const path = process.env['PATH'] ?? '';
  return {
    arguments: [process.execPath, ...POPULATOR_FLAGS, join(buildDir, 'dist/pod/main.js')],
    env: {
      ...variables,
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
  const cpuBefore = cpuMsOfChildren();
  const child = spawn(program, rest, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  let [peakRss, peakRssOfAll] = [0, 0];
  const looking = setInterval(() => {
    peakRss = Math.max(peakRss, peakRssOf(child.pid));
    peakRssOfAll = Math.max(peakRssOfAll, rssOfAll(child.pid));
  }, LOOK_MS);
  const [code] = await once(child, 'exit');
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuSeconds = (cpuMsOfChildren() - cpuBefore) / 1000;
  clearInterval(looking);
  if (code !== 0) throw new Error(`exit code ${String(code)}: ${words.join(' ').slice(0, 500)}`);
  return { seconds, cpuSeconds, peakRss, peakRssOfAll };
}

/** The kernel's own high-water mark since the program began, in MiB; 0 where the process is gone. */
function peakRssOf(pid: number | undefined): number {
  const kib = /VmHWM:\s*(\d+)/.exec(readProc(`${pid}/status`))?.[1];
  return Number(kib ?? 0) / 1024;
}

/** What a process and its descendants have now, in MiB; pages that they share count for each. */
function rssOfAll(pid: number | string | undefined): number {
  const kib = /VmRSS:\s*(\d+)/.exec(readProc(`${pid}/status`))?.[1];
  const children = readProc(`${pid}/task/${pid}/children`).split(' ').filter(Boolean);
  return children.reduce((sum, child) => sum + rssOfAll(child), Number(kib ?? 0) / 1024);
}

/** '' where the process is gone. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
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

/** What runs: our populator as it is in the image, and what somebody would type instead. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  /** MiB; the largest process only. */
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

const timeFile = join(buildDir, 'time');

/** @throws Error where the command does not end well. */
export async function runCommand({ arguments: words, env }: Command): Promise<Run> {
  const startedAt = performance.now();
  const child = spawn('/usr/bin/time', ['-f', '%M', '-o', timeFile, ...words], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  const seconds = (performance.now() - startedAt) / 1000;
  if (code !== 0) throw new Error(`exit code ${String(code)}: ${words.join(' ').slice(0, 500)}`);
  const peakRss = Number(readFileSync(timeFile, 'utf8').trim().split('\n').at(-1)) / 1024;
  rmSync(timeFile);
  return { seconds, peakRss };
}

export function installed(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

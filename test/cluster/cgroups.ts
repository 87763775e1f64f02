/** The cgroup below which kubelet puts the pods of one cluster, in every hierarchy of this machine (v1 or v2). */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from './error-code.ts';

/** As kubelet names it. */
export function cgroupOf(name: string): string {
  return `/volprime-${name}`;
}

function hierarchies(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .flatMap((line) => line.split(' ')[4] ?? []);
}

export function createCgroups(cgroup: string): void {
  for (const hierarchy of hierarchies()) {
    const dir = join(hierarchy, cgroup);
    mkdirSync(dir, { recursive: true });
    // A new cpuset is empty, and no process can be put into an empty one.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) copyIfPresent(join(hierarchy, file), join(dir, file));
    enableControllers(hierarchy);
  }
}

function copyIfPresent(from: string, to: string): void {
  try {
    writeFileSync(to, readFileSync(from));
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

/** v2 only: a controller is usable in a child when its parent hands it down. */
function enableControllers(hierarchy: string): void {
  let controllers: string;
  try {
    controllers = readFileSync(join(hierarchy, 'cgroup.controllers'), 'utf8').trim();
  } catch {
    return;
  }
  for (const controller of controllers.split(' ').filter((name) => name !== '')) {
    writeFileSync(join(hierarchy, 'cgroup.subtree_control'), `+${controller}`);
  }
}

/** Removes the cgroup with all below it; its processes must be gone. */
export function removeCgroups(cgroup: string): void {
  for (const dir of existingCgroups(cgroup)) removeTree(dir);
}

export function existingCgroups(cgroup: string): string[] {
  return hierarchies()
    .map((hierarchy) => join(hierarchy, cgroup))
    .filter((dir) => subdirectories(dir) !== undefined);
}

function subdirectories(dir: string): string[] | undefined {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function removeTree(dir: string): void {
  for (const child of subdirectories(dir) ?? []) removeTree(join(dir, child));
  try {
    rmdirSync(dir);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

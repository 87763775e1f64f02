/** The volume that is captured: 20,000 files of 1 to 8 KiB in 2,000 directories and 24 of 8 MiB, 280 MB that compress to about a third. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDir } from '../data-path/data-sets.ts';
import { type ByteSource, mixed, randomStream, smallText } from '../seeded-bytes.ts';

const SMALL_FILES = 20_000;
const DIRECTORIES = 2000;
const LARGE_FILES = 24;
const LARGE = 8 * 1024 ** 2;
/** One file in so many changes between two captures. */
const CHANGED = 100;

const treeDir = join(dataDir, 'snapshot-tree');

/** Made once and kept beside the archives of the data path. */
export function provideTree(say: (line: string) => void): void {
  const done = `${treeDir}.done`;
  if (existsSync(done)) return;
  say('  making the tree, once');
  rmSync(treeDir, { recursive: true, force: true });
  const bytes = randomStream('s');
  for (let index = 0; index < DIRECTORIES; index++) {
    mkdirSync(join(treeDir, directoryOf(index)), { recursive: true });
  }
  writeSmallFiles(treeDir, bytes, 1);
  for (let index = 0; index < LARGE_FILES; index++) writeFileSync(join(treeDir, `large-${index}`), mixed(bytes, LARGE));
  writeFileSync(done, '');
}

/** With all times and modes. */
export function copyTree(to: string): void {
  execFileSync('cp', ['-a', `${treeDir}/.`, to]);
}

/** Other content in every hundredth small file. */
export function changeTree(tree: string, seed: string): void {
  writeSmallFiles(tree, randomStream(seed), CHANGED);
}

function writeSmallFiles(tree: string, bytes: ByteSource, step: number): void {
  for (let index = 0; index < SMALL_FILES; index += step) {
    writeFileSync(join(tree, directoryOf(index), `file-${index}.txt`), smallText(bytes));
  }
}

function directoryOf(index: number): string {
  const directory = index % DIRECTORIES;
  return `group-${directory % 20}/directory-${directory}`;
}

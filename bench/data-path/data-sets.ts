/**
 * What is downloaded: made once from nothing but a seed, and kept in build/bench.
 *
 *   a  1,024 files of 1 MiB that compress to about a third      c  one image of 2 GiB
 *   b  50,000 files of 1 to 8 KiB in 6,000 directories          d  a real tree: Go modules of Kubernetes, or else node_modules
 */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { mixed, randomStream, smallText } from '../seeded-bytes.ts';
import { installed } from './commands.ts';

export type SetName = 'a' | 'b' | 'c' | 'd';

const projectDir = join(import.meta.dirname, '../..');
/** Served by the benchmark's web server. */
export const dataDir = join(projectDir, 'build/bench/data');

const MIB = 1024 * 1024;
const IMAGE_MIB = 2048;

/** Makes the files of these sets that are not there yet. */
export function provideData(sets: Iterable<SetName>, say: (line: string) => void): void {
  mkdirSync(dataDir, { recursive: true });
  for (const set of sets) {
    if (existsSync(join(dataDir, `${set}.done`))) continue;
    say(`  making data set ${set}, once`);
    if (set === 'c') makeImages();
    else makeArchives(set);
    writeFileSync(join(dataDir, `${set}.done`), '');
  }
}

function makeArchives(set: 'a' | 'b' | 'd'): void {
  const tree = join(dataDir, `tree-${set}`);
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree);
  if (set === 'a') makeLargeFiles(tree);
  else if (set === 'b') makeSmallFiles(tree);
  else makeRealTree(tree);
  const plain = join(dataDir, `${set}.tar`);
  execFileSync('tar', ['-c', '--format', 'gnu', '--sort', 'name', '--owner', '0', '--group', '0', '-f', plain, '.'], {
    cwd: tree,
  });
  shell(`gzip -6 -k -f ${plain}`);
  shell(`zstd -q -3 -k -f ${plain}`);
  if (set === 'b' && installed('zip')) shell(`cd ${tree} && rm -f ../b.zip && zip -q -r ../b.zip .`);
  rmSync(tree, { recursive: true });
}

function makeLargeFiles(tree: string): void {
  const bytes = randomStream('a');
  for (let index = 0; index < 1024; index++) writeFileSync(join(tree, `file-${index}`), mixed(bytes, MIB));
}

function makeSmallFiles(tree: string): void {
  const bytes = randomStream('b');
  for (let index = 0; index < 6000; index++)
    mkdirSync(join(tree, `group-${index % 60}/directory-${index}`), { recursive: true });
  for (let index = 0; index < 50_000; index++) {
    const directory = index % 6000;
    writeFileSync(join(tree, `group-${directory % 60}/directory-${directory}/file-${index}.txt`), smallText(bytes));
  }
}

function makeRealTree(tree: string): void {
  const places = [join(homedir(), 'go/pkg/mod/k8s.io'), join(projectDir, 'node_modules')];
  shell(`cp -rL --no-preserve=ownership ${places.find((place) => existsSync(place))}/. ${tree}; chmod -R u+w ${tree}`);
}

function makeImages(): void {
  const bytes = randomStream('c');
  const unfinished = join(dataDir, 'c.unfinished');
  const fd = openSync(unfinished, 'w');
  for (let index = 0; index < IMAGE_MIB; index++) {
    // As in images of file systems, every fourth part was never written.
    writeSync(fd, index % 4 === 3 ? Buffer.alloc(MIB) : mixed(bytes, MIB));
  }
  closeSync(fd);
  renameSync(unfinished, join(dataDir, 'c.img'));
  shell(`gzip -1 -k -f ${join(dataDir, 'c.img')}`);
  shell(`zstd -q -3 -k -f ${join(dataDir, 'c.img')}`);
}

function shell(command: string): void {
  execFileSync('sh', ['-c', command]);
}

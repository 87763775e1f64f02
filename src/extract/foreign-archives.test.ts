/** Archives of other programs, and trees that are compared file by file with what GNU tar makes of the same archives. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { extract, jobOf, layerOf } from '../../test/support/extraction.ts';
import { installed } from '../../test/support/installed.ts';
import { snapshot } from '../../test/support/tree-snapshot.ts';

jest.setTimeout(120_000);

/** Without it no owner but the own one can be given. */
const isRoot = process.geteuid?.() === 0;

let work: string;
let tree: string;
let ours: string;
let theirs: string;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'foreign-'));
  tree = join(work, 'tree');
  makeTree();
});
afterAll(() => rmSync(work, { recursive: true }));
beforeEach(() => {
  ours = join(work, 'ours');
  theirs = join(work, 'theirs');
  for (const directory of [ours, theirs]) mkdirSync(directory);
});
afterEach(() => {
  for (const directory of [ours, theirs]) rmSync(directory, { recursive: true });
});

function makeTree(): void {
  const at = (name: string) => join(tree, name);
  mkdirSync(at('dir/deep/er'), { recursive: true });
  mkdirSync(at('empty'));
  writeFileSync(at('dir/file'), 'content');
  writeFileSync(at('dir/deep/er/none'), '');
  writeFileSync(at('ünïcödé'), Buffer.alloc(100_000, 'x'));
  writeFileSync(at('dir/exactly-one-block'), Buffer.alloc(512, 'y'));
  linkSync(at('dir/file'), at('hard'));
  symlinkSync('dir/file', at('soft'));
  symlinkSync('nowhere', at('dangling'));
  chmodSync(at('dir/file'), 0o640);
  chmodSync(at('dir/deep'), 0o711);
  if (isRoot) chownSync(at('ünïcödé'), 12_345, 54_321);
  const fd = openSync(at('holes'), 'w');
  for (const piece of [100, 3000]) writeSync(fd, Buffer.alloc(4096, piece), 0, 4096, piece * 4096);
  ftruncateSync(fd, 20_000_000);
  let seconds = 1_500_000_000;
  for (const name of ['dir/file', 'ünïcödé', 'soft', 'dangling', 'holes', 'dir/deep/er', 'dir/deep', 'dir', 'empty']) {
    lutimesSync(at(name), (seconds += 1000), seconds);
  }
  utimesSync(at('dir/deep/er/none'), 1_400_000_000, 1_400_000_000);
  // A fraction that is the same in every number format: the present time would differ in its last digit now and then.
  utimesSync(at('dir/exactly-one-block'), 1_600_000_000.25, 1_600_000_000.25);
}

interface Expectation {
  readonly archive: Buffer;
  /** What extracts the file behind its options into the present directory, just as the archive means it. */
  readonly reference: readonly [program: string, ...options: string[]];
  readonly preserve: boolean;
}

/** Where owners are not kept, the reference's are the test's own as well. */
async function expectSameTree({ archive, reference, preserve }: Expectation): Promise<void> {
  const [program, ...options] = reference;
  const file = join(work, 'archive');
  writeFileSync(file, archive);
  execFileSync(program, [...options, file], { cwd: theirs });
  const ownership = { preserve, uid: undefined, gid: undefined };
  const limits = { ...jobOf(ours).limits, ratio: 1e6 };
  await extract(archive, ours, { step: 10_007, job: { layers: [layerOf()], limits, ownership } });
  const expected = snapshot(theirs);
  expect(expected.size).toBeGreaterThan(10);
  expect(snapshot(ours)).toEqual(expected);
}

const describeWhere = (program: string) => (installed(program) ? describe : describe.skip);

const archiveOf = (program: string, ...options: string[]) =>
  execFileSync(program, options, { cwd: tree, maxBuffer: 1 << 27 });
const gnuTar: Expectation['reference'] = ['tar', '--numeric-owner', '-xpf'];
const bsdtar: Expectation['reference'] = ['bsdtar', '--numeric-owner', '-xpf'];
const sameAsGnuTar = (archive: Buffer) => expectSameTree({ archive, reference: gnuTar, preserve: isRoot });

describe('GNU tar', () => {
  test.each(['v7', 'oldgnu', 'gnu', 'ustar', 'posix'])('in the format %s', async (format) => {
    await sameAsGnuTar(archiveOf('tar', '-cf', '-', `--format=${format}`, '.'));
  });

  test.each([
    ['oldgnu', 'oldgnu', '1.0'],
    ['pax 0.0', 'posix', '0.0'],
    ['pax 0.1', 'posix', '0.1'],
    ['pax 1.0', 'posix', '1.0'],
  ])('with holes in the format %s', async (_what, format, version) => {
    const archive = archiveOf('tar', '-cSf', '-', `--format=${format}`, `--sparse-version=${version}`, '.');
    expect(archive.length).toBeLessThan(1_000_000);
    await sameAsGnuTar(archive);
    expect(snapshot(ours).get('holes')).toContain('sparse');
  });

  test.each(['--gzip', '--zstd', '--xz', '--bzip2'])('with %s', async (option) => {
    const archive = archiveOf('tar', '-cf', '-', option, '.');
    await expectSameTree({ archive, reference: gnuTar, preserve: isRoot });
  });
});

describeWhere('bsdtar')('bsdtar', () => {
  test.each(['ustar', 'pax', 'gnutar', 'v7tar', 'zip'])('in the format %s', async (format) => {
    // It lists a directory, then others, then what is in the first: GNU tar gives such a directory the present time.
    const archive = archiveOf('bsdtar', '-cf', '-', `--format=${format}`, '.');
    await expectSameTree({ archive, reference: bsdtar, preserve: isRoot });
  });
});

describeWhere('python3')('Python', () => {
  const script = (format: string) =>
    `import sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.${format}_FORMAT) as t: t.add(".")`;
  test.each(['USTAR', 'GNU', 'PAX'])('tarfile in the format %s', async (format) => {
    await sameAsGnuTar(archiveOf('python3', '-c', script(format)));
  });
});

describeWhere('go')('Go', () => {
  let program: string;
  beforeAll(() => {
    program = join(work, 'go-archive');
    execFileSync('go', ['build', '-o', program, join(import.meta.dirname, '../../test/support/go-archive/main.go')]);
  });

  test.each(['pax', 'gnu'])('archive/tar in the format %s', async (format) => {
    await sameAsGnuTar(archiveOf(program, format));
  });
});

describeWhere('7zz')('7-Zip', () => {
  test.each(['tar', 'zip'])('%s', async (format) => {
    const file = join(work, `seven.${format}`);
    execFileSync('7zz', ['a', '-bd', '-snl', `-t${format}`, file, '.'], { cwd: tree, stdio: 'ignore' });
    const archive = execFileSync('cat', [file], { maxBuffer: 1 << 27 });
    await expectSameTree({ archive, reference: ['bsdtar', '--no-same-owner', '-xpf'], preserve: false });
  });
});

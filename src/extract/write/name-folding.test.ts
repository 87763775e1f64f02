import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { FoldedNames, swapCase } from './name-folding.ts';

jest.setTimeout(60_000);

let work: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'folding-'));
});
afterEach(() => rmSync(work, { recursive: true }));

const standsUnderAnotherName = (directory: string, name: string) =>
  new FoldedNames().standsUnderAnotherName(directory, name);
const latin1 = (text: string) => Buffer.from(text).toString('latin1');

test('a file bears its own name, whatever else is there', () => {
  writeFileSync(join(work, 'a-File'), '');
  linkSync(join(work, 'a-File'), join(work, 'A-fILE'));
  writeFileSync(join(work, 'é'), '');
  writeFileSync(join(work, '123'), '');
  for (const name of ['a-File', 'A-fILE', 'é', '123']) {
    expect(standsUnderAnotherName(`${work}/`, latin1(name))).toBe(false);
  }
});

test('what is found but not listed bears another name', () => {
  // As a file system that normalises Unicode does: the name is found, and the directory lists another one.
  writeFileSync(join(work, 'e\u0301'), '');
  expect(standsUnderAnotherName(`${work}/`, latin1('é'))).toBe(true);
});

test('a directory is read once for the names in it, and jumping between directories is bounded', () => {
  const directories = ['a', 'b'].map((name) => `${work}/${name}/`);
  const names = Array.from({ length: 20 }, (_, index) => `é${index}`);
  for (const directory of directories) {
    mkdirSync(directory);
    for (const name of names) writeFileSync(join(directory, name), '');
  }
  const [a = '', b = ''] = directories;
  const folded = new FoldedNames({ steps: 100, perEntry: 0 });
  for (const name of names) expect(folded.standsUnderAnotherName(a, latin1(name))).toBe(false);
  writeFileSync(join(a, 'ü'), '');
  folded.made(a + latin1('ü'));
  expect(folded.standsUnderAnotherName(a, latin1('ü'))).toBe(false);
  const jumping = () => {
    for (const name of names) for (const at of [a, b]) folded.standsUnderAnotherName(at, latin1(name));
  };
  expect(jumping).toThrow(
    expect.objectContaining({ code: 'LimitExceeded', message: expect.stringMatching(/é.*names of directories read/) }),
  );
});

test('cases are swapped in ASCII, byte by byte', () => {
  expect(swapCase(latin1('aB-1é'))).toBe(latin1('Ab-1é'));
});

/** Needs a kernel with CONFIG_UNICODE. */
const casefold = (() => {
  const probe = mkdtempSync(join(tmpdir(), 'casefold-'));
  try {
    const script =
      'truncate -s 16M disk && mkfs.ext4 -q -O casefold disk && mkdir at && mount -o loop disk at && umount at';
    execFileSync('sh', ['-c', script], { cwd: probe, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true });
  }
})();

(casefold ? test : test.skip)('on ext4 with casefold', () => {
  const script = 'truncate -s 16M disk && mkfs.ext4 -q -O casefold disk && mkdir at && mount -o loop disk at';
  execFileSync('sh', ['-c', script], { cwd: work });
  try {
    const root = join(work, 'at/folding');
    mkdirSync(root);
    execFileSync('chattr', ['+F', root]);
    writeFileSync(join(root, 'Name'), '');
    expect(standsUnderAnotherName(`${root}/`, 'Name')).toBe(false);
    expect(standsUnderAnotherName(`${root}/`, 'name')).toBe(true);
  } finally {
    execFileSync('umount', [join(work, 'at')]);
  }
});

import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { comparePaths, parentOf } from './bytes.ts';
import { absolutePath } from './entry.ts';
import { walkTree } from './walk.ts';

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'walk-'));
});
afterAll(() => rmSync(work, { recursive: true }));

/** With bytes on both sides of the slash, and such as are no UTF-8. */
const names = fc
  .array(fc.constantFrom('a', '-', '0', '\n', ' ', '\xff', '\xc3\xa9'), { minLength: 1, maxLength: 2 })
  .map((bytes) => bytes.join(''));
const paths = fc.array(names, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));

function pathsOf(root: string): string[] {
  return Array.from(walkTree(Buffer.from(root)), ({ path }) => path);
}

describe('the walk', () => {
  test('finds each name once, in the order in which manifests have them', () => {
    fc.assert(
      fc.property(fc.array(paths, { maxLength: 12 }), (given) => {
        const root = Buffer.from(mkdtempSync(join(work, 'tree-')));
        const all = new Set(['']);
        for (const path of given) {
          mkdirSync(absolutePath(root, path), { recursive: true });
          for (let at = path; at !== ''; at = parentOf(at)) all.add(at);
        }
        expect(pathsOf(root.toString())).toEqual([...all].toSorted(comparePaths));
        rmSync(root, { recursive: true });
      }),
      { numRuns: 60 },
    );
  });

  test('leaves out what the file system keeps at its root, and follows no link', () => {
    const root = join(work, 'root');
    for (const directory of ['lost+found/x', 'a/lost+found']) mkdirSync(join(root, directory), { recursive: true });
    symlinkSync('a', join(root, 'link'));
    symlinkSync('.', join(root, 'a', 'loop'));
    expect(pathsOf(root)).toEqual(['', 'a', 'a/loop', 'a/lost+found', 'link']);
  });

  test('goes on where names disappear before it comes to them', () => {
    const root = join(work, 'busy');
    for (const directory of ['a', 'b', 'c']) mkdirSync(join(root, directory), { recursive: true });
    for (const file of ['a/1', 'a/2', 'c/3']) writeFileSync(join(root, file), '');
    const found: string[] = [];
    for (const { path } of walkTree(Buffer.from(root))) {
      found.push(path);
      if (path === 'a') rmSync(join(root, 'b'), { recursive: true });
      if (path === 'a/1') rmSync(join(root, 'a'), { recursive: true });
      if (path === 'c') rmSync(join(root, 'c'), { recursive: true });
    }
    expect(found).toEqual(['', 'a', 'a/1', 'c']);
    expect(pathsOf(join(work, 'nowhere'))).toEqual([]);
  });

  test('of one file is that file', () => {
    const file = join(work, 'file');
    writeFileSync(file, 'abc', { mode: 0o640 });
    expect([...walkTree(Buffer.from(file))]).toEqual([
      expect.objectContaining({ path: '', type: 'file', size: 3, mode: 0o640, inode: `${statSync(file).ino}` }),
    ]);
  });
});

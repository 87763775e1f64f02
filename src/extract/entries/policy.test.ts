import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { collectEntries } from '../../../test/support/read-entries.ts';
import { Budget } from '../budget.ts';
import { safeName } from './entry-name.ts';
import type { Entry } from './entry.ts';
import { nameFilter } from './name-filter.ts';
import type { Notes } from './notes.ts';
import { applyPolicy, type Policy } from './policy.ts';

const budget = () => new Budget('steps', { steps: 1e6, perEntry: 0 });
const everything: Policy = { stripComponents: 0, include: [], exclude: [], preserveOwners: false, globs: budget() };

function entry(name: string, more: Partial<Entry> = {}): Entry {
  const plain = {
    linkName: '',
    size: 0,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    attributes: undefined,
    sparse: undefined,
  };
  return { type: 'file', name, ...plain, ...more };
}

/** What comes through, and with which data: each file's is its own name. */
function through(policy: Partial<Policy>, entries: readonly Entry[]) {
  const notes: Notes = new Map();
  const { handler, entries: passed } = collectEntries();
  const stage = applyPolicy({ ...everything, ...policy }, notes, handler);
  for (const each of entries) {
    stage.begin(each);
    if (each.type !== 'file') continue;
    stage.data(Buffer.from(each.name, 'latin1'));
    stage.end();
  }
  return { passed, notes };
}

const names = (policy: Partial<Policy>, entries: readonly Entry[]) =>
  through(policy, entries).passed.map(({ name }) => name);

describe('names', () => {
  test('stay as they are spelled where nothing is stripped', () => {
    expect(names({}, [entry('./a//b'), entry('d/', { type: 'directory' })])).toEqual(['./a//b', 'd/']);
  });

  test.each(['../a', 'a/../b', '/a', 'a\0', '..'])('%j is refused, whether it is wanted or not', (name) => {
    for (const policy of [{}, { exclude: ['**'] }, { stripComponents: 1 }]) {
      expect(() => through(policy, [entry(name)])).toThrow(expect.objectContaining({ code: 'HostileArchive' }));
    }
  });

  test('lose their leading parts; what has no more is left out, with its data', () => {
    const entries = [
      entry('./', { type: 'directory' }),
      entry('./top/', { type: 'directory' }),
      entry('top-file'),
      entry('./top//a/b'),
      entry('top/c'),
      entry('top/link', { type: 'hardLink', linkName: './top/c' }),
      entry('top/soft', { type: 'symbolicLink', linkName: 'top/c' }),
    ];
    const { passed } = through({ stripComponents: 1 }, entries);
    expect(passed.map(({ name, linkName, data }) => [name, linkName, data.toString()])).toEqual([
      ['a/b', '', './top//a/b'],
      ['c', '', 'top/c'],
      ['link', 'c', ''],
      ['soft', 'top/c', ''],
    ]);
  });
});

describe('globs', () => {
  const entries = ['a/x.txt', 'a/.hidden', 'a/deep/er/y.txt', 'b/z.md', 'ä.txt', '.git/config'].map((name) =>
    entry(Buffer.from(name).toString('latin1')),
  );
  test.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['a directory stands for all below it', ['a'], [], ['a/x.txt', 'a/.hidden', 'a/deep/er/y.txt']],
    ['slashes at the ends are of no consequence', ['/a/'], [], ['a/x.txt', 'a/.hidden', 'a/deep/er/y.txt']],
    ['"./" neither', ['./b'], [], ['b/z.md']],
    ['one star stops at a slash', ['*.txt'], [], ['ä.txt']],
    ['two do not', ['**/*.txt'], [], ['a/x.txt', 'a/deep/er/y.txt', 'ä.txt']],
    ['names that begin with a dot are names', ['a/*'], [], ['a/x.txt', 'a/.hidden', 'a/deep/er/y.txt']],
    ['characters are counted, not bytes', ['?.txt'], [], ['ä.txt']],
    ['braces and classes', ['{a,b}/[xz].*'], [], ['a/x.txt', 'b/z.md']],
    ['exclusion alone', [], ['**/*.txt', '.git'], ['a/.hidden', 'b/z.md']],
    ['exclusion wins', ['a'], ['a/deep'], ['a/x.txt', 'a/.hidden']],
    ['an exclamation mark is a character', ['!a'], [], []],
  ])('%s', (_what, include, exclude, expected) => {
    const passed = names({ include, exclude }, entries).map((name) => Buffer.from(name, 'latin1').toString());
    expect(passed).toEqual(expected);
  });

  test('see names as they will be after stripping', () => {
    expect(names({ stripComponents: 1, include: ['deep'] }, entries)).toEqual(['deep/er/y.txt']);
  });

  test('never leave out the target itself', () => {
    expect(names({ include: ['a'] }, [entry('./', { type: 'directory' })])).toEqual(['./']);
  });

  test('without any, everything is wanted', () => {
    fc.assert(fc.property(fc.string({ minLength: 1 }), (name) => nameFilter([], [], budget())(name)));
  });

  test('a hard link to what is left out is refused, and named', () => {
    const link = entry('b', { type: 'hardLink', linkName: 'a' });
    expect(() => through({ exclude: ['a'] }, [entry('a'), link])).toThrow(
      expect.objectContaining({
        code: 'UnsupportedEntry',
        message: expect.stringContaining('"b" is a hard link to "a"'),
      }),
    );
    expect(names({ exclude: ['?'] }, [entry('a'), link])).toEqual([]);
  });
});

describe('owners', () => {
  test.each([-2, 2 ** 32 - 1, 2 ** 40])('%d is refused where it would count, and only there', (uid) => {
    expect(() => through({ preserveOwners: true }, [entry('f', { uid })])).toThrow(`has the uid ${uid}`);
    expect(() => through({ preserveOwners: true }, [entry('f', { gid: uid })])).toThrow(`has the gid ${uid}`);
    expect(names({}, [entry('f', { uid, gid: uid })])).toEqual(['f']);
  });
});

test('times that hardly a file system can hold are counted', () => {
  const mtimes = [-(2 ** 31), -(2 ** 31) - 1, 0, 15_032_385_535, 15_032_385_536];
  expect(
    through(
      {},
      mtimes.map((mtime) => entry('f', { mtime })),
    ).notes,
  ).toEqual(new Map([['unusualTime', 2]]));
});

test('a safe name has no odd part and leads where the name leads', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '/') });
  fc.assert(
    fc.property(text, (name) => {
      if (name.startsWith('/') || name.split('/').includes('..')) return;
      const parts = name.split('/').filter((part) => part !== '' && part !== '.');
      expect(safeName(name)).toBe(parts.join('/'));
    }),
  );
});

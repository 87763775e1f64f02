import { describe, expect, test } from '@jest/globals';
import { collectEntries } from '../../../test/support/read-entries.ts';
import type { Entry, EntryType } from './entry.ts';
import { Overlay } from './overlay.ts';

/** `d/` is a directory, `a -> b` a hard link, `a ~> b` a symbolic one, everything else a file. */
function entry(text: string): Entry {
  const [name = '', linkName = ''] = text.split(/ [-~]> /);
  const type: EntryType = text.includes(' -> ')
    ? 'hardLink'
    : text.includes(' ~> ')
      ? 'symbolicLink'
      : name.endsWith('/')
        ? 'directory'
        : 'file';
  const rest = { size: 0, mode: 0o644, uid: 0, gid: 0, mtime: 0, attributes: undefined, sparse: undefined };
  return { type, name, linkName, ...rest };
}

/** What is left of each layer; the uppermost comes first. */
function left(layers: readonly (readonly string[])[], images: readonly string[] = []): string[][] {
  const overlay = new Overlay();
  return layers.map((texts, index) => {
    const { handler, entries } = collectEntries();
    const stage = overlay.layer(images[index] ?? 'one', handler);
    for (const each of texts.map(entry)) {
      stage.begin(each);
      if (each.type !== 'file') continue;
      stage.data(Buffer.from(each.name));
      stage.end();
    }
    return entries.map(({ name }) => name);
  });
}

describe('of a lower layer', () => {
  test.each<[string, string[], string[], string[]]>([
    ['everything shows that nothing is above', ['a'], ['b', 'd/', 'd/x'], ['b', 'd/', 'd/x']],
    ['a file is replaced', ['a'], ['a', 'b'], ['b']],
    ['a file is replaced, however it is spelled', ['./a'], ['a', './/a', 'b'], ['b']],
    ['a file is replaced by a link', ['a ~> b'], ['a', 'b'], ['b']],
    ['a directory keeps its files, and not its attributes', ['d/'], ['d/', 'd/x'], ['d/x']],
    ['a directory that is only implied keeps its attributes', ['d/y'], ['d/', 'd/x'], ['d/', 'd/x']],
    ['a directory is replaced by a file', ['d'], ['d/', 'd/x', 'd/e/y', 'da'], ['da']],
    ['a file is replaced by a directory', ['d/'], ['d', 'e'], ['e']],
    ['a link is replaced by a directory that is only implied', ['d/x'], ['d ~> e', 'e'], ['e']],
    ['a file is gone', ['d/.wh.x'], ['d/', 'd/x', 'd/xx', 'x'], ['d/', 'd/xx', 'x']],
    ['a directory is gone', ['.wh.d'], ['d/', 'd/x', 'd/e/y', 'da'], ['da']],
    ['a directory is gone and made anew', ['.wh.d', 'd/', 'd/new'], ['d/', 'd/x'], []],
    [
      'a directory shows nothing, and has new files',
      ['d/', 'd/.wh..wh..opq', 'd/new'],
      ['d/', 'd/x', 'd/e/y', 'a'],
      ['a'],
    ],
    ['the same with the mark behind', ['d/', 'd/new', 'd/.wh..wh..opq'], ['d/', 'd/x'], []],
    ['nothing at all shows', ['.wh..wh..opq', 'a'], ['b', 'd/', 'd/x'], []],
    ['notes of a driver say nothing', ['.wh..wh.aufs'], ['.wh..wh.plnk/x', 'a'], ['.wh..wh.plnk/x', 'a']],
    ['whiteouts of what is not there are nothing', ['.wh.none'], ['a'], ['a']],
  ])('%s', (_what, upper, lower, expected) => {
    expect(left([upper, lower])[1]).toEqual(expected);
  });
});

test('whiteouts do not come through, and do not hide what their own layer brings', () => {
  expect(left([['d/', 'd/x', '.wh.d', 'd/.wh.x']])).toEqual([['d/', 'd/x']]);
});

test('what the highest layer says holds down to the lowest', () => {
  expect(left([['.wh.a'], ['b'], ['a', 'b', 'c']])).toEqual([[], ['b'], ['c']]);
});

test('another image begins anew', () => {
  expect(
    left(
      [
        ['a', '.wh.b'],
        ['a', 'b'],
      ],
      ['one', 'other'],
    ),
  ).toEqual([['a'], ['a', 'b']]);
});

describe('a hard link', () => {
  test('to a file of its own layer comes through', () => {
    expect(left([['x'], ['a', 'b -> a']])[1]).toEqual(['a', 'b']);
  });

  test('that is hidden itself is left out, whatever it leads to', () => {
    expect(
      left([
        ['a', 'b'],
        ['a', 'b -> a', 'c'],
      ])[1],
    ).toEqual(['c']);
  });

  test.each([[['a']], [['.wh.a']]])('to what %j hides is refused', (upper) => {
    expect(() => left([upper, ['a', 'b -> a']])).toThrow(expect.objectContaining({ code: 'UnsupportedEntry' }));
  });
});

test.each(['.wh.', 'd/.wh..', '.wh...', '../.wh.a', '/.wh.a'])('%j is refused', (name) => {
  expect(() => left([[name]])).toThrow(expect.objectContaining({ code: 'HostileArchive' }));
});

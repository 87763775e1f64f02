import { describe, expect, test } from '@jest/globals';
import { entryOf } from '../../test/support/manifests.ts';
import { HardLinks } from './hard-links.ts';

/** Names and the inodes behind them: "a1 b1 c2" are two names of one file, and another one. */
function complaints(before: string, now: string): (string | undefined)[] {
  const links = new HardLinks();
  const [expected, found] = [treeOf(before), treeOf(now)];
  return expected.map((entry, index) => links.check(entry, found[index] ?? entry));
}

function treeOf(text: string) {
  const names = text.split(' ');
  return names.map((name) => {
    const inode = name.slice(1);
    return entryOf(name.charAt(0), { inode, links: names.filter((other) => other.slice(1) === inode).length });
  });
}

describe('hard links', () => {
  test.each([
    ['the same file under other numbers', 'a1 b1 c2 d2', 'a8 b8 c9 d9', []],
    ['numbers that changed places', 'a1 b1 c2 d2', 'a2 b2 c1 d1', []],
    ['two files that were one', 'a1 b1', 'a1 b2', [undefined, 'is no hard link of "a" any more']],
    ['one file that was two', 'a1 b2', 'a1 b1', [undefined, 'has become a hard link of "a"']],
    ['a name that went to another file', 'a1 b1 c2 d2', 'a1 b2 c2 d2', [undefined, 'is no hard link of "a" any more']],
    ['one of three that went', 'a1 b1 c1', 'a1 b1 c3', [undefined, undefined, 'is no hard link of "b" any more']],
  ])('%s', (_what, before, now, told) => {
    const all = complaints(before, now);
    if (told.length === 0) expect(all.every((one) => one === undefined)).toBe(true);
    else expect(all.slice(0, told.length)).toEqual(told);
  });

  test('with names elsewhere, which were not captured, are no difference where they are gone', () => {
    expect(new HardLinks().check(entryOf('a', { links: 2 }), entryOf('a', { links: 1 }))).toBeUndefined();
  });

  test('are read once; a file with one name is not remembered', () => {
    const links = new HardLinks();
    for (const [inode, count] of [
      ['1', 2],
      ['2', 1],
    ] as const) {
      links.keepDigest(entryOf('a', { inode, links: count }), `digest-${inode}`);
    }
    expect(links.digestOf(entryOf('b', { inode: '1', links: 2 }))).toBe('digest-1');
    expect(links.digestOf(entryOf('b', { inode: '2', links: 1 }))).toBeUndefined();
  });
});

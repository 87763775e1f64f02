import { describe, expect, test } from '@jest/globals';
import { entryOf } from '../../test/support/manifests.ts';
import { differencesOf, fidelityOf, formatTime } from './differences.ts';
import type { ManifestEntry } from './manifest.ts';

const root = fidelityOf(0, 0);
const other = fidelityOf(65_532, 65_532);

describe('what differs from the manifest is told in plain words', () => {
  test.each<[string, Partial<ManifestEntry>, Partial<ManifestEntry>, string[]]>([
    ['nothing', {}, {}, []],
    ['inode and time of change, which no copy keeps', {}, { inode: '8', ctime: '9' }, []],
    ['type, and then nothing else', {}, { type: 'fifo', mode: 0 }, ['is a named pipe and was a file']],
    ['size', {}, { size: 4 }, ['has size 4 instead of 3']],
    ['mode', {}, { mode: 0o4755 }, ['has mode 4755 instead of 0644']],
    ['owner', {}, { uid: 1 }, ['has owner 1:0 instead of 0:0']],
    ['group', {}, { gid: 2 }, ['has owner 0:2 instead of 0:0']],
    [
      'time',
      { mtime: '1500000000' },
      { mtime: '1500000001' },
      ['has time 1970-01-01T00:00:01.500000001Z instead of 1970-01-01T00:00:01.500000000Z'],
    ],
    ['two things', {}, { size: 4, uid: 1 }, ['has size 4 instead of 3', 'has owner 1:0 instead of 0:0']],
    ['target', { type: 'link', target: 'a' }, { type: 'link', target: 'a\xff' }, ['leads to "a\\xff" instead of "a"']],
    ['mode of a link, which it does not have', { type: 'link' }, { type: 'link', mode: 0o777 }, []],
    ['time of a socket, which is made again', { type: 'socket' }, { type: 'socket', mtime: '2' }, []],
    [
      'device number',
      { type: 'blockDevice', device: { major: 7, minor: 1 } },
      { type: 'blockDevice', device: { major: 7, minor: 11 } },
      ['has device number 7:11 instead of 7:1'],
    ],
  ])('%s', (_what, was, is, told) => {
    expect(differencesOf(entryOf('a', was), entryOf('a', is), root)).toEqual(told);
  });
});

describe('a writer that is not root', () => {
  const differences = (was: Partial<ManifestEntry>, is: Partial<ManifestEntry>) =>
    differencesOf(entryOf('a', was), entryOf('a', is), other);

  test('cannot give files away, nor keep the bits setuid and setgid of those that it could not', () => {
    const mine = { uid: 65_532, gid: 65_532 };
    expect(differences({ mode: 0o6755 }, { ...mine, mode: 0o755 })).toEqual([]);
    expect(differences({ mode: 0o6755, uid: 65_532 }, { ...mine, mode: 0o755 })).toEqual([]);
    expect(differences({ ...mine, mode: 0o6755 }, { ...mine, mode: 0o755 })).toEqual(['has mode 0755 instead of 6755']);
  });

  test('keeps all the rest: other bits of the mode, the sticky one too, size, time', () => {
    expect(differences({ mode: 0o1755 }, { mode: 0o755 })).toEqual(['has mode 0755 instead of 1755']);
    expect(differences({ mode: 0o6755 }, { mode: 0o754 })).toEqual(['has mode 0754 instead of 0755']);
    expect(differences({}, { size: 1, mtime: '2' })).toHaveLength(2);
  });

  test('keeps all attributes but capabilities, which root keeps too', () => {
    for (const name of ['user.a', 'system.posix_acl_access', 'system.posix_acl_default']) {
      expect(other.keepsAttribute(name)).toBe(true);
    }
    expect([other, root].map((writer) => writer.keepsAttribute('security.capability'))).toEqual([false, true]);
  });
});

describe('a time', () => {
  test.each([
    ['1234567890123456789', '1234567890123456700', '100 ns'],
    ['1234567890123456789', '1234567890123456000', 'microseconds'],
    ['1234567890123456789', '1234567890123000000', 'milliseconds'],
    ['1234567891123456789', '1234567891000000000', 'a second'],
    ['1234567891123456789', '1234567890000000000', 'two seconds'],
    ['-1', '-1000', 'microseconds before 1970'],
    ['-1', '-1000000000', 'a second before 1970'],
  ])('%s is %s on a file system that counts %s; one nanosecond beside that is another time', (was, is, _grain) => {
    const told = (mtime: string) => differencesOf(entryOf('a', { mtime: was }), entryOf('a', { mtime }), root);
    expect(told(is)).toEqual([]);
    expect(told(`${BigInt(is) - 1n}`)).toHaveLength(1);
    expect(told(`${BigInt(is) + 1n}`)).toHaveLength(is === `${BigInt(was) - 1n}` ? 0 : 1);
  });

  test.each([
    ['0', '1970-01-01T00:00:00.000000000Z'],
    ['-1', '1969-12-31T23:59:59.999999999Z'],
    ['981173106250000001', '2001-02-03T04:05:06.250000001Z'],
    ['9223372036854775807000', '9223372036854775807000 ns'],
  ])('%s is written %s', (nanoseconds, text) => expect(formatTime(nanoseconds)).toBe(text));
});

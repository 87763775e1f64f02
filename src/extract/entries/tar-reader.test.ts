import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { endOfArchive, paxHeader, type RawEntry, rawEntry, tar } from '../../../test/support/archives.ts';
import { readTar, unpackSparse } from '../../../test/support/read-entries.ts';

const steps = [1, 100, 512, 513, 1 << 20];
const read = (entries: readonly RawEntry[]) => readTar(tar(entries)).entries;
const base256 = (value: bigint, length: number) => {
  const field = Buffer.from(
    BigInt.asUintN(8 * length, value)
      .toString(16)
      .padStart(2 * length, '0'),
    'hex',
  );
  field[0] = (field[0] ?? 0) | 0x80;
  return field;
};

describe('a header', () => {
  test('says all that an entry has', () => {
    const [entry] = read([{ name: 'd/f', data: 'abc', mode: 0o4755, uid: 1000, gid: 100, mtime: 1_234_567_890 }]);
    expect(entry).toEqual({
      type: 'file',
      name: 'd/f',
      linkName: '',
      size: 3,
      mode: 0o4755,
      uid: 1000,
      gid: 100,
      mtime: 1_234_567_890,
      attributes: undefined,
      sparse: undefined,
      data: Buffer.from('abc'),
    });
  });

  test('has a prefix in the format of POSIX, and none in the old one of GNU', () => {
    const long = `${'p'.repeat(100)}/${'n'.repeat(90)}`;
    const archive = execFileSync(
      'tar',
      ['-c', '--format=ustar', '--transform', `s,.*,${long},`, '-C', '/', 'etc/hostname'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    expect(readTar(archive).entries[0]?.name).toBe(long);
    const gnu = Buffer.from(rawEntry({ name: 'f' }));
    gnu.write('ustar  \0', 257);
    gnu.write('123', 345);
    expect(readTar(Buffer.concat([withChecksum(gnu), endOfArchive])).entries[0]?.name).toBe('f');
  });

  test('may be older than POSIX: a directory is a file whose name ends in a slash', () => {
    expect(
      read([
        { name: 'd/', type: '\0' },
        { name: 'f', type: '\0' },
      ]).map(({ type }) => type),
    ).toEqual(['directory', 'file']);
  });

  test('may have a checksum of signed bytes', () => {
    const entry = Buffer.from(rawEntry({ name: Buffer.from([0xe4, 0xf6]) }));
    const signed = entry
      .subarray(0, 512)
      .reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : (byte << 24) >> 24), 0);
    entry.write(`${signed.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    expect(readTar(Buffer.concat([entry, endOfArchive])).entries[0]?.name).toBe('\u00e4\u00f6');
  });

  test.each<[string, Buffer, number]>([
    ['negative in base-256', base256(-1n, 12), -1],
    ['beyond 2106 in base-256', base256(10_413_792_000n, 12), 10_413_792_000],
    ['with leading spaces', Buffer.from('  1234567 \0\0'), 0o1234567],
    ['with no terminator', Buffer.from('000012345670'), 0o12345670],
    ['that is empty', Buffer.alloc(12), 0],
  ])('has a time %s', (_what, mtime, seconds) => expect(read([{ name: 'f', mtime }])[0]?.mtime).toBe(seconds));

  test('has numbers of owners in base-256', () => {
    const [entry] = read([{ name: 'f', uid: base256(4_294_967_295n, 8), gid: base256(-2n, 8) }]);
    expect([entry?.uid, entry?.gid]).toEqual([4_294_967_295, -2]);
  });

  test.each(['12345678', '1 2', 'x', '0x10', '1.5', '-7'])('with the time %j is refused', (mtime) => {
    const field = Buffer.alloc(12);
    field.write(mtime);
    const outcome = () => read([{ name: 'f', mtime: field }]);
    if (/^[0-7]+$/.test(mtime)) expect(outcome()).toHaveLength(1);
    else expect(outcome).toThrow(expect.objectContaining({ code: 'ArchiveCorrupt' }));
  });

  test('tells types apart, and gives data to files only, whatever the others say of their size', () => {
    const types = ['0', '7', '1', '2', '3', '4', '5', '6'];
    const entries = read(types.map((type) => ({ name: 'n', type, size: '07'.includes(type) ? 0 : 700 })));
    expect(entries.map(({ type, size }) => `${type} ${size}`)).toEqual([
      'file 0',
      'file 0',
      'hardLink 0',
      'symbolicLink 0',
      'characterDevice 0',
      'blockDevice 0',
      'directory 0',
      'fifo 0',
    ]);
  });

  test('of a volume label is no entry', () => {
    expect(read([{ name: 'label', type: 'V' }, { name: 'f' }]).map(({ name }) => name)).toEqual(['f']);
  });
});

describe('extended headers', () => {
  test.each(steps)('say more than the header, in pieces of %d bytes', (step) => {
    const records = {
      path: 'ä'.repeat(300),
      linkpath: 'ö'.repeat(300),
      mtime: '-1.5',
      uid: '3000000000',
      gid: '2097152',
      atime: '1',
      comment: 'none',
    };
    const { entries } = readTar(tar([paxHeader(records), { name: 'x', type: '2', linkName: 'y' }]), step);
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({
      name: Buffer.from(records.path).toString('latin1'),
      linkName: Buffer.from(records.linkpath).toString('latin1'),
      mtime: -1.5,
      uid: 3_000_000_000,
      gid: 2_097_152,
    });
  });

  test('of pax win over long names of GNU, in either order', () => {
    const pax = paxHeader({ path: 'pax', linkpath: 'paxLink' });
    const gnu = [
      { name: 'l', type: 'L', data: 'gnu\0' },
      { name: 'l', type: 'K', data: 'gnuLink\0' },
    ];
    const last = { name: 'x', type: '2', linkName: 'y' };
    for (const entries of [
      [pax, ...gnu, last],
      [...gnu, pax, last],
    ]) {
      expect(read(entries)[0]).toMatchObject({ name: 'pax', linkName: 'paxLink' });
    }
    expect(read([...gnu, last])[0]).toMatchObject({ name: 'gnu', linkName: 'gnuLink' });
  });

  test('are gone after one entry; global ones stay until told otherwise', () => {
    const global = { ...paxHeader({ mtime: '5', uid: '7', comment: 'c' }), type: 'g' };
    const entries = read([global, paxHeader({ mtime: '9' }), { name: 'a' }, { name: 'b' }, { name: 'c' }]);
    expect(entries.map(({ mtime, uid }) => [mtime, uid])).toEqual([
      [9, 7],
      [5, 7],
      [5, 7],
    ]);
  });

  test.each(['path', 'linkpath', 'size', 'GNU.sparse.size', 'SCHILY.xattr.user.a'])(
    'may not say %s globally',
    (key) => {
      const global = { ...paxHeader({ [key]: '1' }), type: 'g' };
      expect(() => read([global, { name: 'f' }])).toThrow(expect.objectContaining({ code: 'ArchiveCorrupt' }));
    },
  );

  test('an empty value takes an earlier one back', () => {
    expect(read([paxHeader({ path: 'a' }), paxHeader({ path: '' }), { name: 'f' }])[0]?.name).toBe('f');
  });

  test('are at most 1 MiB for one entry, however many there are', () => {
    const half = paxHeader({ comment: 'x'.repeat(600_000) });
    expect(read([half, { name: 'a' }, half, { name: 'b' }])).toHaveLength(2);
    expect(() => read([half, half, { name: 'a' }])).toThrow(expect.objectContaining({ code: 'UnsupportedEntry' }));
    expect(() => readTar(rawEntry({ name: 'l', type: 'L', size: 100 * 1024 * 1024 }))).toThrow('at most 1 MiB');
    expect(() => read([{ name: 'l', type: 'L', size: base256(-1024n, 12) }, { name: 'a' }])).toThrow(
      expect.objectContaining({ code: 'UnsupportedEntry' }),
    );
  });

  test.each<[string, string]>([
    ['no length', 'path=f\n'],
    ['a length of 0', '0 path=f\n'],
    ['a length that is too short', '7 path=f\n'],
    ['a length beyond the header', '99 path=f\n'],
    ['no equals sign', '8 path\n\n'],
    ['no new line', '9 path=fx'],
    ['a time that is none', '14 mtime=1e100\n'],
    ['an owner that is none', '11 uid=root\n'],
  ])('with %s are refused', (_what, data) => {
    expect(() => read([{ name: 'p', type: 'x', data }, { name: 'f' }])).toThrow(
      expect.objectContaining({ code: 'ArchiveCorrupt' }),
    );
  });
});

describe('extended attributes', () => {
  test('come from records of star, GNU tar, libarchive and SELinux; access control lists are counted', () => {
    const records = {
      'SCHILY.xattr.user.equals%3Dpercent%25': 'v=1\nv\u0000',
      'LIBARCHIVE.xattr.user.url%20name': 'AAEC/w',
      'RHT.security.selinux': 'system_u:object_r:etc_t:s0',
      'SCHILY.acl.access': 'user::rw-',
      'SCHILY.acl.default': 'user::rw-',
    };
    const { entries, notes } = readTar(tar([paxHeader(records), { name: 'f' }, { name: 'g' }]));
    expect([...(entries[0]?.attributes ?? [])]).toEqual([
      ['user.equals=percent%', Buffer.from('v=1\nv\u0000')],
      ['user.url name', Buffer.from([0, 1, 2, 255])],
      ['security.selinux', Buffer.from('system_u:object_r:etc_t:s0')],
    ]);
    expect(entries[1]?.attributes).toBeUndefined();
    expect(notes).toEqual(new Map([['accessControlList', 2]]));
  });

  test('in a wrong encoding are refused', () => {
    expect(() => read([paxHeader({ 'LIBARCHIVE.xattr.user.a': 'no!' }), { name: 'f' }])).toThrow('base64');
  });
});

describe('sparse files', () => {
  let work: string;
  /** 100 pieces of 4 KiB, each after a hole of 60 KiB, and a hole at the end. */
  const size = 100 * 65_536 + 1_000_000;
  const content = Buffer.alloc(size);
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'sparse-'));
    const fd = openSync(join(work, 'holes'), 'w');
    for (let piece = 0; piece < 100; piece++) {
      content.fill(piece + 1, piece * 65_536 + 61_440, (piece + 1) * 65_536);
      writeSync(fd, content, piece * 65_536 + 61_440, 4096, piece * 65_536 + 61_440);
    }
    ftruncateSync(fd, size);
    closeSync(fd);
    closeSync(openSync(join(work, 'after'), 'w'));
  });
  afterAll(() => rmSync(work, { recursive: true }));

  test.each([
    ['the old format of GNU', ['--format=gnu']],
    ['pax 0.0', ['--format=pax', '--sparse-version=0.0']],
    ['pax 0.1', ['--format=pax', '--sparse-version=0.1']],
    ['pax 1.0', ['--format=pax', '--sparse-version=1.0']],
  ])('of GNU tar in %s', (_what, options) => {
    const archive = execFileSync('tar', ['-c', '--sparse', ...options, '-C', work, 'holes', 'after'], {
      maxBuffer: 1 << 24,
    });
    expect(archive.length).toBeLessThan(1_000_000);
    for (const step of [511, 4096, 1 << 20]) {
      const [holes, after] = readTar(archive, step).entries;
      expect(holes).toMatchObject({ name: 'holes', size: 409_600, sparse: { size } });
      expect(holes?.sparse?.extents).toHaveLength(100);
      expect(holes !== undefined && unpackSparse(holes).equals(content)).toBe(true);
      expect(after?.name).toBe('after');
    }
  });

  const oneZero = (data: string | Buffer, size: string, more: Record<string, string> = {}): RawEntry[] => [
    paxHeader({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': size, ...more }),
    { name: 's', data },
  ];
  const lines = (text: string, data = '') => `${text}${'\0'.repeat(512 - text.length)}${data}`;
  const map = (value: string, size: string): RawEntry[] => [
    paxHeader({ 'GNU.sparse.size': size, 'GNU.sparse.map': value }),
    { name: 's', data: 'abc' },
  ];

  test('of nothing but a hole, and of nothing at all', () => {
    expect(read(oneZero(lines('0\n'), '1099511627776'))[0]?.sparse).toEqual({ size: 1_099_511_627_776, extents: [] });
    expect(read(oneZero(lines('1\n0\n0\n'), '0', { 'GNU.sparse.name': 'named' }))[0]?.name).toBe('named');
  });

  test.each<[string, RawEntry[], string]>([
    ['pieces that overlap', map('0,2,1,1', '10'), 'overlapping'],
    ['pieces in the wrong order', map('5,2,0,1', '10'), 'overlapping'],
    ['a piece beyond the end', map('0,3', '2'), 'overlapping'],
    ['a piece beyond all sizes', map('999999999999999,3', '10'), 'overlapping'],
    ['less data than the map says', map('0,4', '10'), 'more or less data'],
    ['more data than the map says', map('0,2', '10'), 'more or less data'],
    ['a map that is cut', map('0,3,7', '10'), 'is cut'],
    ['a map that is no numbers', map('0,-3', '10'), 'malformed'],
    ['lines that are no numbers', oneZero(lines('1\n0\nx\n'), '10'), 'malformed'],
    ['an empty line', oneZero(lines('1\n\n3\n'), '10'), 'malformed'],
    ['lines that end in padding', oneZero(lines('2\n0\n0\n'), '10'), 'malformed'],
    ['a number that does not end', oneZero(lines('1'.repeat(512)), '10'), 'malformed'],
    ['a map longer than the data', oneZero('1\n', '10'), 'longer than its data'],
    ['no size', [paxHeader({ 'GNU.sparse.map': '0,0' }), { name: 's' }], 'describes no sparse file'],
    ['a directory', [paxHeader({ 'GNU.sparse.size': '1' }), { name: 's', type: '5' }], 'describes no sparse file'],
    ['an unknown record', [paxHeader({ 'GNU.sparse.odd': '1' }), { name: 's' }], 'unknown record'],
  ])('with %s are refused', (_what, entries, words) => {
    expect(() => read(entries)).toThrow(
      expect.objectContaining({ code: 'ArchiveCorrupt', message: expect.stringContaining(words) }),
    );
  });

  test('with more than half a million pieces, or of a later version, are not supported', () => {
    const many = '0\n'.repeat(2 * 500_001);
    const text = `500001\n${many}`;
    const data = text.padEnd(Math.ceil(text.length / 512) * 512, '\0');
    expect(() => read(oneZero(data, '0'))).toThrow(expect.objectContaining({ code: 'UnsupportedEntry' }));
    expect(() => read(oneZero('', '0', { 'GNU.sparse.minor': '1' }))).toThrow('unknown version 1.1');
  });
});

function withChecksum(header: Buffer): Buffer {
  header.fill(' ', 148, 156);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

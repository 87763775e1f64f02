/** The numbered corpus of hostile and odd archives (docs/archives.md), each through the real extraction, beside a canary. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { paxHeader, type RawEntry, rawEntry, tar } from '../../test/support/archives.ts';
import { extract, type Extraction, jobOf, layerOf } from '../../test/support/extraction.ts';
import { installed } from '../../test/support/installed.ts';
import { type RawMember, zip } from '../../test/support/zip-archives.ts';
import type { Job } from './job.ts';

jest.setTimeout(60_000);

let work: string;
let root: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'hostile-'));
  root = join(work, 'a/b/target');
  mkdirSync(root, { recursive: true });
  for (const place of ['', 'a', 'a/b']) writeFileSync(join(work, place, 'canary'), 'alive');
});
afterEach(() => {
  expect(readdirSync(work).sort()).toEqual(['a', 'canary']);
  expect(readdirSync(join(work, 'a')).sort()).toEqual(['b', 'canary']);
  expect(readdirSync(join(work, 'a/b')).sort()).toEqual(['canary', 'target']);
  for (const place of ['', 'a', 'a/b']) {
    const canary = join(work, place, 'canary');
    expect([readFileSync(canary, 'utf8'), lstatSync(canary).nlink]).toEqual(['alive', 1]);
  }
  execFileSync('chmod', ['-R', 'u+rwx', work]);
  rmSync(work, { recursive: true });
});

/** Into the emptied target, the format told by the content. */
async function run(archive: Buffer, job?: Partial<Job>, options: Extraction = {}) {
  for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
  return extract(archive, root, { ...options, job: { layers: [layerOf()], ...job } });
}
const limited = (limits: Partial<Job['limits']>): Partial<Job> => ({ limits: { ...jobOf(root).limits, ...limits } });
const content = (name: string) => readFileSync(join(root, name), 'utf8');
const symlink = (name: string, linkName: string): RawEntry => ({ name, type: '2', linkName });
const hardLink = (name: string, linkName: string): RawEntry => ({ name, type: '1', linkName });
const directory = (name: string, more: Partial<RawEntry> = {}): RawEntry => ({ name, type: '5', ...more });

/** The entries are refused, and the named one is told of. */
async function refuses(entries: readonly RawEntry[], code: string, named?: string): Promise<void> {
  await refusesArchive(tar(entries), code, named);
}

async function refusesArchive(archive: Buffer, code: string, words = '', job?: Partial<Job>): Promise<void> {
  const retry = { type: code === 'SourceTruncated' ? 'backoff' : 'never' };
  const message = expect.stringContaining(words);
  await expect(run(archive, job)).rejects.toMatchObject({ code, retry, message });
}

describe('row 1: names that climb', () => {
  test.each(['../../etc/cron.d/x', 'a/../../x', '..', './../x'])('%s', async (name) => {
    await refuses([{ name, data: 'dead' }], 'HostileArchive', `"${name}"`);
    await refusesArchive(zip([{ name, data: 'dead' }]), 'HostileArchive', `"${name}"`);
  });
});

test('row 2: an absolute name', async () => {
  await refuses([{ name: '/etc/passwd', data: 'dead' }], 'HostileArchive', '"/etc/passwd" is an absolute path');
  await refusesArchive(zip([{ name: '/etc/passwd', data: 'dead' }]), 'HostileArchive', '"/etc/passwd"');
});

describe('row 3: files through links of the archive', () => {
  test.each(['/', '../..', '.', 'e'])('to %s', async (target) => {
    await refuses([symlink('d', target), { name: 'd/canary', data: 'dead' }], 'HostileArchive', '"d');
    expect(existsSync(join(root, 'd/canary'))).toBe(false);
  });

  test('in a zip archive, where the link is told at the end', async () => {
    const members: RawMember[] = [
      { name: 'd', data: '..', mode: 0o120777 },
      { name: 'd/canary', data: 'dead' },
    ];
    await refusesArchive(zip(members), 'HostileArchive', '"d');
    await refusesArchive(zip([{ name: 'd', data: '../..', mode: 0o120777 }]), 'HostileArchive', '"d"');
    await refusesArchive(zip([{ name: 'd', data: '/etc', mode: 0o120777 }]), 'HostileArchive', '"d"');
  });
});

describe('row 4: two links that climb together', () => {
  const up = symlink('a/b/c/up', '../..');
  const escape = symlink('a/b/escape', 'c/up/../..');
  test('in either order, and with a hard link through them', async () => {
    await refuses([up, escape], 'HostileArchive', '"a/b/escape"');
    await refuses([escape, up], 'HostileArchive', '"a/b/escape"');
    await refuses([up, hardLink('h', 'a/b/c/up/../canary')], 'HostileArchive', 'canary');
    await refuses([symlink('a/up', '..'), hardLink('h', 'a/up/canary')], 'HostileArchive', '"h"');
  });
});

describe('row 5: hard links', () => {
  test.each(['/etc/shadow', '../canary', 'missing', 'later', 'd'])('to %s are refused', async (target) => {
    await refuses([directory('d/'), hardLink('h', target), { name: 'later' }], 'HostileArchive');
  });

  test('to a file before it is the same file; to a symbolic link, another such link', async () => {
    await run(tar([{ name: 'f', data: 'x' }, hardLink('h', 'f'), symlink('s', 'f'), hardLink('t', 's')]));
    expect(lstatSync(join(root, 'h')).ino).toBe(lstatSync(join(root, 'f')).ino);
    expect(readlinkSync(join(root, 't'))).toBe('f');
  });
});

test('row 6: a directory that becomes a link', async () => {
  await refuses([directory('d/'), symlink('d', '/tmp'), { name: 'd/f', data: 'dead' }], 'HostileArchive', '"d"');
  await refuses([{ name: 'd/x' }, symlink('d', 'e'), { name: 'd/f' }], 'HostileArchive', '"d"');
});

describe('row 7: the same name twice', () => {
  test('of files and links the last one wins', async () => {
    await run(tar([{ name: 'f', data: '1' }, { name: 'f', data: '2' }, symlink('s', 'f'), { name: 's', data: '3' }]));
    expect([content('f'), content('s'), lstatSync(join(root, 's')).isSymbolicLink()]).toEqual(['2', '3', false]);
  });

  test('a file and a directory are refused, in either order', async () => {
    await refuses([{ name: 'x' }, directory('x/')], 'HostileArchive', '"x');
    await refuses([directory('x/'), { name: 'x' }], 'HostileArchive', '"x');
    await refuses([{ name: 'x' }, { name: 'x/y' }], 'HostileArchive', '"x');
  });

  test('names that differ in case or in their Unicode form are different names, byte by byte', async () => {
    const names = ['A', 'a', 'é', 'e\u0301'];
    await run(tar(names.map((name) => ({ name, data: name }))));
    expect(readdirSync(root).sort()).toEqual([...names].sort());
    for (const name of names) expect(content(name)).toBe(name);
  });
});

describe('row 8: bytes in names', () => {
  test('a NUL is refused', async () => {
    await refuses([paxHeader({ path: 'a\0b' }), { name: 'x' }], 'HostileArchive', 'a\\u0000b');
    await refuses([paxHeader({ linkpath: 'a\0b' }), symlink('l', 'x')], 'HostileArchive', '"l"');
  });

  test('all others arrive as they are', async () => {
    const names = [Buffer.from('new\nline'), Buffer.from([0xff, 0xfe]), Buffer.alloc(255, 'n')];
    await run(
      tar([
        { name: names[0] ?? '' },
        { name: names[1] ?? '' },
        { name: 'l', type: 'L', data: names[2] ?? '' },
        { name: 'x' },
      ]),
    );
    expect(readdirSync(root, { encoding: 'buffer' }).sort(Buffer.compare)).toEqual(names.sort(Buffer.compare));
  });

  test('more than 255 in one part are refused', async () => {
    const name = 'n'.repeat(256);
    await refuses([paxHeader({ path: name }), { name: 'x' }], 'UnsupportedEntry', `"${name}"`);
  });
});

test('row 9: the size of a pax header is that of the next file, in the eyes of GNU tar and bsdtar too', async () => {
  // Who takes it for the size of the long name sees other entries: those in the data.
  const smuggled = Buffer.concat([rawEntry({ name: 'smuggled', data: 'dead' }), Buffer.alloc(0)]);
  const archive = tar([
    paxHeader({ size: String(smuggled.length) }),
    { name: 'l', type: 'L', data: 'outer\0' },
    { name: 'x', data: smuggled, size: 0 },
    { name: 'last' },
  ]);
  await run(archive);
  const ours = readdirSync(root).sort();
  expect(ours).toEqual(['last', 'outer']);
  for (const program of ['tar', 'bsdtar'].filter(installed)) {
    const listing = execFileSync(program, ['-tf', '-'], { input: archive, encoding: 'utf8' });
    expect(listing.trim().split('\n').sort()).toEqual(ours);
  }
});

test.each<[string, Buffer]>([
  ['negative', Buffer.alloc(12, 0xff)],
  ['beyond all sizes', Buffer.concat([Buffer.from([0x80]), Buffer.alloc(11, 0xff)])],
  ['beyond 2^53', Buffer.from('800000000020000000000000', 'hex')],
  ['with junk', Buffer.from('00000junk00\0')],
])('row 10: a size %s', async (_what, size) => {
  await refuses([{ name: 'f', size }, { name: 'g' }], 'ArchiveCorrupt');
});

test('row 11: damage in the middle is no silent end', async () => {
  await refuses([{ name: 'f' }, { name: 'g', badChecksum: true }, { name: 'h' }], 'ArchiveCorrupt');
  await refusesArchive(Buffer.concat([rawEntry({ name: 'f' }), Buffer.alloc(512, 'x')]), 'ArchiveCorrupt');
  await refusesArchive(Buffer.concat([tar([{ name: 'f' }]), Buffer.alloc(512, 'x')]), 'ArchiveCorrupt');
});

describe('row 12: an archive that is cut', () => {
  const whole = tar([{ name: 'f', data: 'x'.repeat(700) }]);
  test.each([600, 1300, 1500])('after %d bytes', async (length) => {
    await refusesArchive(whole.subarray(0, length), 'SourceTruncated');
    await refusesArchive(gzipSync(whole.subarray(0, length)), 'SourceTruncated');
  });

  test('in the trailer of gzip, or in the frame of zstd', async () => {
    await refusesArchive(gzipSync(whole).subarray(0, -3), 'SourceTruncated');
    await refusesArchive(zstdCompressSync(whole).subarray(0, -3), 'SourceTruncated');
  });

  test('of its end marker only is taken, with a warning', async () => {
    const { files, notes } = await run(gzipSync(whole.subarray(0, -1024)));
    expect([files, notes.length]).toEqual([1, 1]);
  });
});

describe('row 13: wrong checksums of compression', () => {
  const archive = tar([{ name: 'f', data: 'x'.repeat(700) }]);
  const changed = (bytes: Buffer, at: number) => {
    const place = bytes.length + at;
    bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
    return bytes;
  };
  const zstd = () => zstdCompressSync(archive, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  const packed = (program: string) => execFileSync(program, ['-c'], { input: archive });
  test.each<[string, () => Buffer]>([
    ['CRC of gzip', () => changed(gzipSync(archive), -8)],
    ['length of gzip', () => changed(gzipSync(archive), -4)],
    ['checksum of zstd', () => changed(zstd(), -1)],
    ['checksum of xz', () => changed(packed('xz'), -40)],
    ['checksum of bzip2', () => changed(packed('bzip2'), -3)],
    ['checksum of a zip member', () => zip([{ name: 'f', data: 'x', local: { crc: 1 }, central: { crc: 1 } }])],
  ])('%s', async (_what, body) => refusesArchive(body(), 'ArchiveCorrupt'));
});

describe('row 14: several members and what follows the last', () => {
  const archive = tar([{ name: 'f', data: 'x'.repeat(5000) }]);
  const halves = [archive.subarray(0, 3000), archive.subarray(3000)];
  const skippable = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('any')]);
  const packed = (program: string) => Buffer.concat(halves.map((input) => execFileSync(program, ['-c'], { input })));
  test.each<[string, () => Buffer]>([
    ['members of gzip', () => Buffer.concat(halves.map((half) => gzipSync(half)))],
    [
      'frames of zstd, and some to be skipped',
      () => Buffer.concat([skippable, ...halves.map((half) => zstdCompressSync(half)), skippable]),
    ],
    ['streams of xz', () => packed('xz')],
    ['streams of bzip2', () => packed('bzip2')],
    ['zeros behind gzip', () => Buffer.concat([gzipSync(archive), Buffer.alloc(1000)])],
  ])('%s are one archive', async (_what, body) => {
    await run(body());
    expect(content('f')).toHaveLength(5000);
  });

  test.each<[string, () => Buffer]>([
    ['gzip', () => gzipSync(archive)],
    ['zstd', () => zstdCompressSync(archive)],
    ['xz', () => packed('xz')],
    ['bzip2', () => packed('bzip2')],
    ['zip', () => zip([{ name: 'f' }])],
  ])('garbage behind %s is refused', async (_what, body) => {
    await refusesArchive(Buffer.concat([body(), Buffer.alloc(100, 'garbage')]), 'ArchiveCorrupt');
  });
});

describe('row 15: bombs', () => {
  const letters = Buffer.alloc(64 << 20, 'a');
  const zeros = Buffer.alloc(64 << 20);
  const packed = (data: Buffer): [string, () => Buffer][] => [
    ['gzip', () => gzipSync(tar([{ name: 'f', data }]))],
    ['zstd', () => zstdCompressSync(tar([{ name: 'f', data }]))],
    ['zip', () => zip([{ name: 'f', data, method: 8 }])],
  ];
  const bombs = packed(letters);
  test.each(bombs)('of %s are stopped by the ratio, and by the bytes', async (_what, body) => {
    await refusesArchive(body(), 'LimitExceeded', 'limits.ratio', limited({ ratio: 100 }));
    expect(statSync(join(root, 'f')).size).toBeLessThan(20 << 20);
    await refusesArchive(body(), 'LimitExceeded', 'limits.bytes', limited({ bytes: 1 << 20, ratio: 1e9 }));
  });

  test('within their limits they are content', async () => {
    for (const [, body] of bombs) {
      await run(body(), limited({ ratio: 1e9 }), { through: 'threads' });
      expect(statSync(join(root, 'f')).size).toBe(letters.length);
    }
  });

  test.each(packed(zeros))(
    'of %s that are nothing but zeros are an honest image, up to the bytes',
    async (_what, body) => {
      await run(body(), limited({ ratio: 100 }));
      expect(statSync(join(root, 'f')).size).toBe(zeros.length);
      await refusesArchive(body(), 'LimitExceeded', 'limits.bytes', limited({ bytes: 32 << 20 }));
    },
  );

  test('a zip member that says it is empty, and members that overlap', async () => {
    await refusesArchive(
      zip([{ name: 'f', data: zeros, method: 8, local: { size: 0 }, central: { size: 0 } }]),
      'ArchiveCorrupt',
    );
    await refusesArchive(
      zip([
        { name: 'f', data: 'x' },
        { name: 'g', central: { offset: 0 } },
      ]),
      'ArchiveCorrupt',
    );
  });
});

describe('row 16: too much of everything', () => {
  test('of files', async () => {
    const many = Array.from({ length: 50 }, (_each, index) => ({ name: `f${index}` }));
    await refusesArchive(tar(many), 'LimitExceeded', 'limits.files', limited({ files: 49 }));
    await refusesArchive(zip(many), 'LimitExceeded', 'limits.files', limited({ files: 49 }));
  });

  test('of depth', async () => {
    await refuses([paxHeader({ path: 'd/'.repeat(5000) }), { name: 'x' }], 'UnsupportedEntry', '"d/d/');
  });

  test('of headers', async () => {
    await refuses([paxHeader({ comment: 'x'.repeat(1 << 20) }), { name: 'f' }], 'UnsupportedEntry', 'at most 1 MiB');
    await refuses([{ name: 'l', type: 'L', size: 100 << 20 }], 'UnsupportedEntry', 'at most 1 MiB');
  });
});

describe('row 17: what no volume should get', () => {
  test.each([
    ['3', 'device'],
    ['4', 'device'],
    ['6', 'pipe'],
    ['s', 'type'],
  ])('an entry of type %s is refused by its name', async (type, word) => {
    await refuses([{ name: 'odd', type }], 'UnsupportedEntry', `"odd" is`);
    await refuses([{ name: 'odd', type }], 'UnsupportedEntry', word);
  });

  test('bits that give rights away are not taken', async () => {
    await run(tar([{ name: 'f', mode: 0o6755 }, directory('d/', { mode: 0o7777 })]));
    expect(statSync(join(root, 'f')).mode & 0o7777).toBe(0o755);
    expect(statSync(join(root, 'd')).mode & 0o6000).toBe(0);
  });

  test('an owner that means "unchanged" is refused where owners are kept', async () => {
    const entries = [{ name: 'f', uid: Buffer.from('80000000ffffffff', 'hex') }];
    const preserve = { ownership: { preserve: true, uid: undefined, gid: undefined } };
    await refusesArchive(tar(entries), 'UnsupportedEntry', '"f" has the uid 4294967295', preserve);
    expect((await run(tar(entries))).files).toBe(1);
  });

  test('times before 1970 and after 2106 are kept', async () => {
    await run(
      tar([paxHeader({ mtime: '-86400.5' }), { name: 'old' }, paxHeader({ mtime: '10413792000' }), { name: 'new' }]),
    );
    expect(statSync(join(root, 'old')).mtimeMs).toBe(-86_400_500);
    expect(statSync(join(root, 'new')).mtimeMs).toBe(10_413_792_000_000);
  });
});

describe('row 18: sparse files', () => {
  test('keep their holes, and count with their apparent size', async () => {
    const map = `1\n1073741824\n512\n`.padEnd(512, '\0');
    const archive = tar([
      paxHeader({
        'GNU.sparse.major': '1',
        'GNU.sparse.minor': '0',
        'GNU.sparse.realsize': '1099511627776',
        'GNU.sparse.name': 'holes',
      }),
      { name: 'x', data: map + 'x'.repeat(512) },
    ]);
    await refusesArchive(archive, 'LimitExceeded', 'limits.bytes', limited({ bytes: 1 << 30 }));
    await run(archive);
    const { size, blocks } = statSync(join(root, 'holes'));
    expect(size).toBe(2 ** 40);
    expect(blocks * 512).toBeLessThan(1 << 20);
    const read = execFileSync('dd', [`if=${join(root, 'holes')}`, 'bs=512', 'skip=2097151', 'count=3', 'status=none']);
    expect(read.equals(Buffer.concat([Buffer.alloc(512), Buffer.alloc(512, 'x'), Buffer.alloc(512)]))).toBe(true);
  });
});

test('row 19: attributes and access control lists that are not kept are told of', async () => {
  const { notes } = await run(
    tar([paxHeader({ 'SCHILY.xattr.trusted.a': 'b', 'SCHILY.acl.access': 'user::rw-' }), { name: 'f' }]),
  );
  expect(notes).toEqual(
    expect.arrayContaining([expect.stringContaining('attributes'), expect.stringContaining('access control lists')]),
  );
});

describe('row 20: directories in every order', () => {
  test('read-only ones with files in them, late ones, missing ones', async () => {
    await run(
      tar([
        directory('./', { mode: 0o777 }),
        directory('./ro/', { mode: 0o555, mtime: 1_500_000_000 }),
        { name: './ro/f', data: 'f' },
        { name: 'late/f', data: 'f' },
        directory('late', { mode: 0o500, mtime: 1_400_000_000 }),
        { name: 'missing/f', data: 'f' },
      ]),
    );
    const stat = (name: string) => statSync(join(root, name));
    expect([stat('ro').mode & 0o777, stat('ro').mtimeMs]).toEqual([0o555, 1_500_000_000_000]);
    expect([stat('late').mode & 0o777, stat('late').mtimeMs]).toEqual([0o500, 1_400_000_000_000]);
    expect([content('ro/f'), content('late/f'), content('missing/f')]).toEqual(['f', 'f', 'f']);
  });

  test("the target's own mode is left alone", async () => {
    chmodSync(root, 0o750);
    await run(tar([directory('./', { mode: 0o777 })]));
    expect(statSync(root).mode & 0o777).toBe(0o750);
    await run(zip([{ name: './', mode: 0o040777 }]));
    expect(statSync(root).mode & 0o777).toBe(0o750);
  });
});

const ways = ['inline', 'threads', 'three writers'] as const;
test.each(ways)('a zip archive keeps modes, links and times (%s)', async (through) => {
  await run(
    zip([
      { name: 'd/', mode: 0o040710 },
      { name: 'd/run', data: '#!', mode: 0o100750, method: 8 },
      { name: 'd/suid', data: 'x', mode: 0o104755 },
      { name: 'l', data: 'd/run', mode: 0o120777 },
    ]),
    {},
    { through },
  );
  const mode = (name: string) => lstatSync(join(root, name)).mode & 0o7777;
  expect([mode('d'), mode('d/run'), mode('d/suid')]).toEqual([0o710, 0o750, 0o755]);
  expect([readlinkSync(join(root, 'l')), content('l')]).toEqual(['d/run', '#!']);
  expect(statSync(join(root, 'd')).mtimeMs).toBe(Date.UTC(2023, 8, 1, 12));
});

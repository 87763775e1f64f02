import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { endOfArchive, paxHeader, type RawEntry, rawEntry, tar } from '../../test/support/archives.ts';
import { extract as extractInto, pipelines } from '../../test/support/extraction.ts';
import { installed } from '../../test/support/installed.ts';

/** Real files on a disk that others use as well. */
jest.setTimeout(60_000);

let work: string;
let root: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'extract-'));
  root = join(work, 'target');
  mkdirSync(root);
  writeFileSync(join(work, 'canary'), 'alive');
});
afterEach(() => {
  // What the archive was not allowed to do, it did not do.
  expect(readdirSync(work).sort()).toEqual(['canary', 'target']);
  expect(readFileSync(join(work, 'canary'), 'utf8')).toBe('alive');
  execFileSync('chmod', ['-R', 'u+rwx', work]);
  rmSync(work, { recursive: true });
});

/** @param step length of the pieces in which the stream comes. @returns the number of files. */
async function extract(archive: Buffer, options: { readonly step?: number } = {}): Promise<number> {
  return (await extractInto(archive, root, options)).files;
}

const contentOf = (name: string | Buffer) =>
  readFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name)]), 'utf8');

describe('an honest archive', () => {
  const entries: RawEntry[] = [
    { name: './', type: '5', mode: 0o700 },
    { name: 'dir/', type: '5', mode: 0o750, mtime: 1_600_000_000 },
    { name: 'dir/a.txt', data: 'a'.repeat(1000), mode: 0o640, mtime: 1_500_000_000 },
    { name: 'implicit/parent/b', data: 'b' },
    { name: 'empty', data: '' },
    { name: 'block', data: 'x'.repeat(512) },
    { name: 'dir/hard', type: '1', linkName: 'dir/a.txt' },
    { name: 'dir/soft', type: '2', linkName: '../implicit/parent/b', mtime: 1_400_000_000 },
  ];

  test.each([1, 7, 511, 512, 513, 4096, 1 << 20])('comes out whole in pieces of %d bytes', async (step) => {
    expect(await extract(tar(entries), { step })).toBe(6);
    expect(contentOf('dir/a.txt')).toBe('a'.repeat(1000));
    expect(contentOf('implicit/parent/b')).toBe('b');
    expect(contentOf('empty')).toBe('');
    expect(contentOf('block')).toBe('x'.repeat(512));
    expect(contentOf('dir/soft')).toBe('b');
  });

  test('keeps modes and times, those of directories too, and leaves the target itself alone', async () => {
    const before = statSync(root);
    await extract(tar(entries));
    const file = statSync(join(root, 'dir/a.txt'));
    expect([file.mode & 0o7777, file.mtimeMs, file.nlink]).toEqual([0o640, 1_500_000_000_000, 2]);
    const dir = statSync(join(root, 'dir'));
    expect([dir.mode & 0o7777, dir.mtimeMs]).toEqual([0o750, 1_600_000_000_000]);
    expect(lstatSync(join(root, 'dir/soft')).mtimeMs).toBe(1_400_000_000_000);
    expect(statSync(root).mode).toBe(before.mode);
  });

  test('a directory that nobody may write to gets its files all the same', async () => {
    await extract(
      tar([
        { name: 'ro/', type: '5', mode: 0o555 },
        { name: 'ro/f', data: 'f' },
      ]),
    );
    expect(contentOf('ro/f')).toBe('f');
    expect(statSync(join(root, 'ro')).mode & 0o777).toBe(0o555);
  });

  test('setuid and setgid are taken away, a setgid that the volume passes on stays', async () => {
    execFileSync('chmod', ['g+s', root]);
    await extract(
      tar([
        { name: 'd/', type: '5', mode: 0o755 },
        { name: 'f', mode: 0o6755 },
      ]),
    );
    expect(statSync(join(root, 'f')).mode & 0o7777).toBe(0o755);
    expect(statSync(join(root, 'd')).mode & 0o7777).toBe(0o2755);
  });

  test('the last entry of a name wins', async () => {
    const files = await extract(
      tar([
        { name: 'twice', data: 'old' },
        { name: 'kept', type: '1', linkName: 'twice' },
        { name: 'twice', data: 'new' },
        { name: 'link', type: '2', linkName: 'twice' },
        { name: 'link', data: 'a file now' },
        { name: 'file', data: 'x' },
        { name: 'file', type: '2', linkName: 'twice' },
      ]),
    );
    expect(files).toBe(4);
    expect([contentOf('twice'), contentOf('kept'), contentOf('link')]).toEqual(['new', 'old', 'a file now']);
    expect(readlinkSync(join(root, 'file'))).toBe('twice');
  });

  test('a hard link to itself changes nothing, one to a symbolic link is another symbolic link', async () => {
    const entries: RawEntry[] = [
      { name: 'f', data: 'x' },
      { name: './f', type: '1', linkName: 'f' },
      { name: 'soft', type: '2', linkName: 'f' },
      { name: 'sub/hard', type: '1', linkName: 'soft' },
    ];
    expect(await extract(tar(entries))).toBe(3);
    expect(contentOf('f')).toBe('x');
    expect(readlinkSync(join(root, 'sub/hard'))).toBe('f');
  });

  test('an empty archive makes an empty volume', async () => {
    expect(await extract(endOfArchive)).toBe(0);
  });

  test('zeros behind the end are padding', async () => {
    expect(await extract(Buffer.concat([tar([{ name: 'f' }]), Buffer.alloc(9000)]), { step: 777 })).toBe(1);
  });
});

describe('names', () => {
  const long = `${'€'.repeat(80)}/`.repeat(4);

  // A reader that decodes an extended header piece by piece tears characters apart and puts the file under a truncated name.
  test.each([600, 700, 1000, 1013, 1 << 20])(
    'a long pax path of many-byte characters, in pieces of %d',
    async (step) => {
      await extract(tar([paxHeader({ path: `${long}f` }), { name: 'truncated', data: 'x' }]), { step });
      expect(contentOf(`${long}f`)).toBe('x');
      expect(existsSync(join(root, 'truncated'))).toBe(false);
    },
  );

  test("GNU's long names and long links", async () => {
    await extract(
      tar([
        { name: '././@LongLink', type: 'L', data: `${long}f\0` },
        { name: 'truncated', data: 'x' },
        { name: '././@LongLink', type: 'K', data: `${long}f\0` },
        { name: 'link', type: '2', linkName: 'truncated' },
      ]),
    );
    expect(contentOf('link')).toBe('x');
  });

  test('a pax path with a newline in it', async () => {
    await extract(tar([paxHeader({ path: 'two\nlines=1' }), { name: 'x', data: 'x' }]));
    expect(contentOf('two\nlines=1')).toBe('x');
  });

  test('names that are not UTF-8 arrive byte by byte', async () => {
    const name = Buffer.from([0xff, 0xfe, 0x41]);
    await extract(tar([{ name, data: 'x' }]));
    expect(readdirSync(root, { encoding: 'buffer' })).toEqual([name]);
  });

  test('the pax size is the size of the next file, not of a header in between', async () => {
    await extract(
      tar([
        paxHeader({ size: '3' }),
        { name: '././@LongLink', type: 'L', data: 'renamed\0' },
        { name: 'x', data: 'abc', size: 0 },
        { name: 'y', data: 'y' },
      ]),
    );
    expect([contentOf('renamed'), contentOf('y')]).toEqual(['abc', 'y']);
  });

  test('extended attributes that get lost are mentioned', async () => {
    const lost = paxHeader({ 'SCHILY.xattr.trusted.a': 'b' });
    const link: RawEntry = { name: 'link', type: '2', linkName: 'f' };
    const { notes } = await extractInto(tar([lost, { name: 'f' }, lost, link]), root);
    expect(notes).toEqual([expect.stringContaining('extended attributes')]);
  });
});

(installed('setfattr') ? describe : describe.skip).each(Object.keys(pipelines) as (keyof typeof pipelines)[])(
  'extended attributes, %s',
  (through) => {
    const attributesOf = (name: string) =>
      execFileSync('getfattr', ['--absolute-names', '-m', '-', '--dump', '-e', 'text', join(root, name)], {
        encoding: 'utf8',
      })
        .split('\n')
        .slice(1)
        .filter((line) => line !== '');

    test('of files and directories, whatever their names, modes and values', async () => {
      const archive = tar([
        paxHeader({ 'SCHILY.xattr.user.b%3Dc d': '', 'SCHILY.xattr.user.a': 'second' }),
        { name: 'read-only', mode: 0o444, mtime: 1_500_000_000 },
        paxHeader({ 'LIBARCHIVE.xattr.user.two': Buffer.from('x'.repeat(3000)).toString('base64') }),
        { name: 'di r\n\\/', type: '5', mode: 0o555 },
        paxHeader({ 'SCHILY.xattr.user.ü': 'y' }),
        { name: 'di r\n\\/ä', data: 'content' },
        { name: 'none' },
      ]);
      const { notes } = await extractInto(archive, root, { through });
      expect(notes).toEqual([]);
      expect(attributesOf('read-only')).toEqual(['user.a="second"', 'user.b\\075c d=""']);
      expect(attributesOf('di r\n\\')).toEqual([`user.two="${'x'.repeat(3000)}"`]);
      expect(attributesOf('di r\n\\/ä')).toEqual(['user.ü="y"']);
      expect(attributesOf('none')).toEqual([]);
      const { mode, mtimeMs } = statSync(join(root, 'read-only'));
      expect([mode & 0o777, mtimeMs]).toEqual([0o444, 1_500_000_000_000]);
      expect(statSync(join(root, 'di r\n\\')).mode & 0o777).toBe(0o555);
    });

    test('are those of the last entry of a name', async () => {
      const attributed = paxHeader({ 'SCHILY.xattr.user.a': 'b' });
      await extractInto(tar([attributed, { name: 'f', mode: 0o400 }, { name: 'f', mode: 0o640 }]), root, { through });
      expect(attributesOf('f')).toEqual([]);
      expect(statSync(join(root, 'f')).mode & 0o777).toBe(0o640);
    });

    (process.getuid?.() === 0 ? test : test.skip)(
      'capabilities of files, where owners are those of the archive',
      async () => {
        // cap_net_bind_service, permitted and effective, as the kernel stores it (VFS_CAP_REVISION_2).
        const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
        const archive = tar([
          paxHeader({ 'LIBARCHIVE.xattr.security.capability': capability.toString('base64') }),
          { name: 'server', data: 'program', mode: 0o755, uid: 1234, gid: 4321 },
        ]);
        const found = () =>
          spawnSync('getfattr', [
            '--absolute-names',
            '--only-values',
            '-n',
            'security.capability',
            join(root, 'server'),
          ]);
        expect((await extractInto(archive, root, { through })).notes).toEqual([expect.stringContaining('extended')]);
        expect(found().stdout).toHaveLength(0);
        const ownership = { preserve: true, uid: undefined, gid: undefined };
        expect((await extractInto(archive, root, { through, job: { ownership } })).notes).toEqual([]);
        expect(found().stdout).toEqual(capability);
        expect(statSync(join(root, 'server')).uid).toBe(1234);
      },
    );

    test('that the file system does not take are told of, one by one', async () => {
      const tooLarge = 'x'.repeat(100_000);
      const archive = tar([
        paxHeader({ 'SCHILY.xattr.user.a': tooLarge, 'SCHILY.xattr.user.b': 'kept' }),
        { name: 'f', data: 'content' },
      ]);
      const { notes } = await extractInto(archive, root, { through });
      expect(notes).toEqual([expect.stringContaining('extended attributes')]);
      expect([attributesOf('f'), contentOf('f')]).toEqual([['user.b="kept"'], 'content']);
    });
  },
);

describe('a hostile archive is refused, by name', () => {
  const cases: [what: string, entries: RawEntry[], named: string][] = [
    ['a path that climbs out', [{ name: '../canary', data: 'dead' }], '../canary'],
    ['a path that climbs out in the middle', [{ name: 'a/../../canary', data: 'dead' }], 'a/../../canary'],
    ['".." that would stay inside', [{ name: 'a/../b', data: 'x' }], 'a/../b'],
    ['an absolute path', [{ name: '/canary', data: 'dead' }], '/canary'],
    ['a pax path that climbs out', [paxHeader({ path: '../canary' }), { name: 'ok', data: 'dead' }], '../canary'],
    ['a long name that climbs out', [{ name: 'l', type: 'L', data: '../canary' }, { name: 'ok' }], '../canary'],
    ['a NUL in a pax path', [paxHeader({ path: 'a\0b' }), { name: 'ok' }], 'a\\u0000b'],
    ['a directory that climbs out', [{ name: '../evil/', type: '5' }], '../evil/'],
    [
      'a file in place of the target',
      [
        { name: './', type: '0', data: '' },
        { name: '.', data: 'x' },
      ],
      '.',
    ],
    ['an absolute link', [{ name: 'l', type: '2', linkName: '/etc/passwd' }], 'l'],
    ['a link that climbs out', [{ name: 'l', type: '2', linkName: '../canary' }], 'l'],
    ['a link that climbs out from below', [{ name: 'a/l', type: '2', linkName: 'b/../../../canary' }], 'a/l'],
    ['an empty link', [{ name: 'l', type: '2', linkName: '' }], 'l'],
    ['a file through a link', [{ name: 'd', type: '2', linkName: 'e' }, { name: 'd/f' }], 'd/f'],
    [
      'a directory through a link',
      [
        { name: 'd', type: '2', linkName: 'e' },
        { name: 'd/f/', type: '5' },
      ],
      'd/f/',
    ],
    ['a link over a directory with files in it', [{ name: 'd/f' }, { name: 'd', type: '2', linkName: 'e' }], 'd'],
    [
      'two links that climb out together',
      [
        { name: 'a/b/c/up', type: '2', linkName: '../..' },
        { name: 'a/b/escape', type: '2', linkName: 'c/up/../..' },
      ],
      'a/b/escape',
    ],
    [
      'a link that climbs out through a later one',
      [
        { name: 'a/b/escape', type: '2', linkName: 'c/up/../..' },
        { name: 'a/b/c/up', type: '2', linkName: '../..' },
      ],
      'a/b/escape',
    ],
    ['a hard link to outside', [{ name: 'h', type: '1', linkName: '../canary' }], '../canary'],
    ['an absolute hard link', [{ name: 'h', type: '1', linkName: '/etc/passwd' }], '/etc/passwd'],
    ['a hard link to nothing', [{ name: 'h', type: '1', linkName: 'later' }, { name: 'later' }], 'h'],
    [
      'a hard link to a directory',
      [
        { name: 'd/', type: '5' },
        { name: 'h', type: '1', linkName: 'd' },
      ],
      'h',
    ],
    [
      'a hard link through a link',
      [
        { name: 'd', type: '2', linkName: 'e' },
        { name: 'h', type: '1', linkName: 'd/f' },
      ],
      'h',
    ],
    ['a hard link to something below a file', [{ name: 'f' }, { name: 'h', type: '1', linkName: 'f/g' }], 'h'],
    ['a file where a directory is', [{ name: 'd/f' }, { name: 'd', data: 'x' }], 'd'],
    ['a directory where a file is', [{ name: 'f', data: 'x' }, { name: 'f/g' }], 'f'],
  ];
  test.each(cases)('%s', async (_what, entries, named) => {
    for (const step of [512, 1 << 20]) {
      await expect(extract(tar(entries), { step })).rejects.toMatchObject({
        code: 'HostileArchive',
        retry: { type: 'never' },
        message: expect.stringContaining(`"${named}"`),
      });
      rmSync(root, { recursive: true });
      mkdirSync(root);
    }
  });
});

describe('an archive without its end marker', () => {
  const good = rawEntry({ name: 'good', data: 'x'.repeat(700) });

  test.each([
    ['no block of zeros', good],
    ['one block of zeros', Buffer.concat([good, Buffer.alloc(512)])],
  ])('is taken with a warning where it is complete: %s', async (_what, archive) => {
    const { files, notes } = await extractInto(archive, root);
    expect([files, notes]).toEqual([1, [expect.stringContaining('end-of-archive marker')]]);
  });
});

describe('a damaged or unsupported archive', () => {
  const good = rawEntry({ name: 'good', data: 'x'.repeat(700) });
  const cases: [what: string, archive: Buffer, code: string][] = [
    ['cut in a header', good.subarray(0, 300), 'SourceTruncated'],
    ['cut in the data', good.subarray(0, 900), 'SourceTruncated'],
    ['cut in the padding', good.subarray(0, good.length - 10), 'SourceTruncated'],
    ['nothing at all', Buffer.alloc(0), 'SourceTruncated'],
    ['one block of zeros and nothing else', Buffer.alloc(512), 'SourceTruncated'],
    ['an end after an extended header', rawEntry(paxHeader({ path: 'f' })), 'SourceTruncated'],
    ['a header whose checksum does not hold', tar([{ name: 'f', badChecksum: true }]), 'ArchiveCorrupt'],
    ['a bad header in the middle', tar([{ name: 'f' }, { name: 'g', badChecksum: true }]), 'ArchiveCorrupt'],
    ['garbage between entries', Buffer.concat([good, Buffer.alloc(512, 7), endOfArchive]), 'ArchiveCorrupt'],
    ['two archives joined', Buffer.concat([tar([{ name: 'a' }]), tar([{ name: 'b' }])]), 'ArchiveCorrupt'],
    [
      'a block of zeros between entries',
      Buffer.concat([good, Buffer.alloc(512), good, endOfArchive]),
      'ArchiveCorrupt',
    ],
    ['a size that is no number', tar([{ name: 'f', size: Buffer.from('00000junk00\0') }]), 'ArchiveCorrupt'],
    ['a negative size', tar([{ name: 'f', size: Buffer.alloc(12, 0xff) }]), 'ArchiveCorrupt'],
    [
      'a size beyond all sizes',
      tar([{ name: 'f', size: Buffer.concat([Buffer.from([0x80]), Buffer.alloc(11, 0xff)]) }]),
      'ArchiveCorrupt',
    ],
    ['no name', tar([{ name: '' }]), 'ArchiveCorrupt'],
    ['an extended header and nothing to extend', tar([paxHeader({ path: 'f' })]), 'ArchiveCorrupt'],
    [
      'a malformed extended header',
      tar([{ name: 'p', type: 'x', data: '99 path=f\n' }, { name: 'f' }]),
      'ArchiveCorrupt',
    ],
    ['a malformed pax size', tar([paxHeader({ size: '-1' }), { name: 'f' }]), 'ArchiveCorrupt'],
    ['a global path', tar([{ ...paxHeader({ path: 'f' }), type: 'g' }, { name: 'f' }]), 'ArchiveCorrupt'],
    ['an extended header of 2 MiB', tar([{ name: 'p', type: 'x', size: 2 << 20 }]), 'UnsupportedEntry'],
    [
      'a sparse file of pax',
      tar([paxHeader({ 'GNU.sparse.major': '2', 'GNU.sparse.size': '0' }), { name: 's' }]),
      'UnsupportedEntry',
    ],
    ['a character device', tar([{ name: 'null', type: '3' }]), 'UnsupportedEntry'],
    ['a block device', tar([{ name: 'sda', type: '4' }]), 'UnsupportedEntry'],
    ['a pipe', tar([{ name: 'fifo', type: '6' }]), 'UnsupportedEntry'],
    ['a type of some vendor', tar([{ name: 'z', type: 'Z' }]), 'UnsupportedEntry'],
    [
      'a name that no file system takes',
      tar([paxHeader({ path: 'n'.repeat(300) }), { name: 'n' }]),
      'UnsupportedEntry',
    ],
  ];
  test.each(cases)('%s', async (_what, archive, code) => {
    await expect(extract(archive)).rejects.toMatchObject({ code });
    await expect(extract(archive, { step: 100 })).rejects.toMatchObject({ code });
  });

  test('a cut is worth another attempt, damage is not', async () => {
    await expect(extract(good.subarray(0, 900))).rejects.toMatchObject({ retry: { type: 'backoff' } });
    await expect(extract(tar([{ name: 'f', badChecksum: true }]))).rejects.toMatchObject({ retry: { type: 'never' } });
  });
});

describe('archives of GNU tar', () => {
  test.each(['gnu', 'pax', 'ustar', 'v7', 'posix'])('the format %s gives the tree that went in', async (format) => {
    const tree = join(work, 'tree');
    mkdirSync(join(tree, 'deep', 'er'), { recursive: true });
    try {
      writeFileSync(join(tree, 'deep/er/file'), 'content');
      writeFileSync(join(tree, 'ünïcödé'), 'x'.repeat(100_000));
      execFileSync('ln', [join(tree, 'deep/er/file'), join(tree, 'hard')]);
      execFileSync('ln', ['-s', 'deep/er/file', join(tree, 'soft')]);
      if (format !== 'ustar' && format !== 'v7') writeFileSync(join(tree, 'l'.repeat(200)), 'long');
      const archive = execFileSync('tar', ['-c', '--format', format, '-C', tree, '.'], { maxBuffer: 1 << 24 });
      await extract(archive, { step: 1000 });
      expect(execFileSync('diff', ['-r', '--no-dereference', tree, root], { encoding: 'utf8' })).toBe('');
    } finally {
      rmSync(tree, { recursive: true });
    }
  });
});

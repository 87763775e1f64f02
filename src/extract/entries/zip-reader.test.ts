import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VolprimeError } from '../../sdk/index.ts';
import { installed } from '../../../test/support/installed.ts';
import { readZip, type ReadEntry } from '../../../test/support/read-entries.ts';
import { localMember, type RawMember, record, zip, type ZipOptions } from '../../../test/support/zip-archives.ts';

const steps = [1, 7, 100, 4096, 1 << 20];
const text = 'line of text\n'.repeat(500);
const summary = (entries: readonly ReadEntry[]) =>
  entries.map(
    ({ type, name, mode, data, linkName }) => `${type} ${name} ${mode.toString(8)} ${data.length}${linkName}`,
  );

describe('an honest archive', () => {
  const members: RawMember[] = [
    { name: 'dir/', mode: 0o040750 },
    { name: 'dir/stored', data: text, mode: 0o100600 },
    { name: 'dir/deflated', data: text, method: 8, mode: 0o100755 },
    { name: 'dir/zstd', data: text, method: 93, mode: 0o100644 },
    { name: 'empty', data: '', method: 8, mode: 0o100644 },
    { name: 'link', data: 'dir/stored', mode: 0o120777 },
    { name: 'streamed', data: text, method: 8, descriptor: 'signed' },
    { name: 'streamed-plain', data: text, method: 8, descriptor: 'plain' },
    { name: 'streamed64', data: text, method: 8, descriptor: 'signed64' },
    { name: 'streamed-empty', data: '', method: 8, descriptor: 'signed' },
    { name: 'streamed-empty64', data: '', method: 8, descriptor: 'signed64' },
    { name: 'streamed-stored', data: `${text}PK\u0007\u0008 is no end`, descriptor: 'signed' },
    { name: 'streamed-stored-empty', data: '', descriptor: 'signed' },
  ];
  const expected = [
    'directory dir/ 750 0',
    `file dir/stored 600 ${text.length}`,
    `file dir/deflated 755 ${text.length}`,
    `file dir/zstd 644 ${text.length}`,
    'file empty 644 0',
    'file link 644 10',
    `file streamed 644 ${text.length}`,
    `file streamed-plain 644 ${text.length}`,
    `file streamed64 644 ${text.length}`,
    'file streamed-empty 644 0',
    'file streamed-empty64 644 0',
    `file streamed-stored 644 ${text.length + 14}`,
    'file streamed-stored-empty 644 0',
    'symbolicLink link 777 0dir/stored',
  ];

  test.each(steps)('comes out whole in pieces of %d bytes', (step) => {
    const entries = readZip(zip(members), step);
    expect(summary(entries)).toEqual(expected);
    expect(entries[2]?.data.toString()).toBe(text);
    expect(entries[8]?.data.toString()).toBe(text);
  });

  test.each<[string, ZipOptions]>([
    ['has a comment', { comment: 'PK\u0005\u0006 and so on' }],
    ['lists its entries in another order', { reverse: true }],
    ['has the end record of zip64', { zip64: true }],
    ['is padded', { comment: 'c', padding: 1000 }],
  ])('%s', (_what, options) => {
    for (const step of steps) expect(readZip(zip(members, options), step)).toHaveLength(expected.length);
  });

  test('may be empty', () => expect(readZip(zip([]))).toEqual([]));

  test('has times of Unix, of Windows or of DOS', () => {
    const unix = record([0x5455, 2], [5, 2]);
    const entries = readZip(
      zip([
        { name: 'unix', localExtra: Buffer.concat([unix, Buffer.from([1]), record([1_600_000_000, 4])]) },
        {
          name: 'windows',
          localExtra: Buffer.concat([
            record(
              [0x000a, 2],
              [32, 2],
              [0, 4],
              [1, 2],
              [24, 2],
              [(1_500_000_000.25 + 11_644_473_600) * 1e7, 8],
              [0, 8],
              [0, 8],
            ),
          ]),
        },
        { name: 'dos' },
      ]),
    );
    expect(entries.map(({ mtime }) => mtime)).toEqual([
      1_600_000_000,
      1_500_000_000.25,
      Date.UTC(2023, 8, 1, 12) / 1000,
    ]);
  });

  test('has owners where Info-ZIP wrote them', () => {
    const owner = Buffer.concat([
      record([0x7875, 2], [11, 2]),
      Buffer.from([1, 4]),
      record([70_000, 4]),
      Buffer.from([4]),
      record([100, 4]),
    ]);
    const [owned, plain] = readZip(zip([{ name: 'owned', localExtra: owner }, { name: 'plain' }]));
    expect([owned?.uid, owned?.gid]).toEqual([70_000, 100]);
    expect(plain?.uid).toBe(process.geteuid?.());
  });

  test('has names in UTF-8 where it says so or they are, else in the character set of the PC', () => {
    const pc = Buffer.from([0x84, 0x81]);
    const unicode = Buffer.concat([Buffer.from([1]), record([crc32(pc), 4]), Buffer.from('日')]);
    const other = Buffer.concat([Buffer.from([1]), record([1, 4]), Buffer.from('日')]);
    const field = (data: Buffer) => Buffer.concat([record([0x7075, 2], [data.length, 2]), data]);
    const names = readZip(
      zip([
        { name: 'ä' },
        { name: 'ö', flags: 0 },
        { name: pc },
        { name: pc, localExtra: field(unicode), centralExtra: field(unicode) },
        { name: pc, localExtra: field(other), centralExtra: field(other) },
      ]),
    ).map(({ name }) => Buffer.from(name, 'latin1').toString());
    expect(names).toEqual(['ä', 'ö', 'äü', '日', 'äü']);
  });

  test('has sizes of zip64 where 32 bits do not suffice', () => {
    const data = 'x'.repeat(10);
    const big = { compressedSize: 0xffffffff, size: 0xffffffff };
    const field = record([0x0001, 2], [16, 2], [10, 8], [10, 8]);
    const archive = zip([{ name: 'big', data, local: big, central: big, localExtra: field, centralExtra: field }]);
    expect(readZip(archive)[0]?.data.toString()).toBe(data);
  });
});

describe('an archive that lies', () => {
  const honest: RawMember = { name: 'f', data: text, method: 8, mode: 0o100644 };
  const stored: RawMember = { name: 'f', data: text };
  const cases: [what: string, archive: Buffer, words: string][] = [
    ['of its data in the local header', zip([{ ...honest, local: { crc: 1 } }]), 'another checksum'],
    ['of a size that is too small', zip([{ ...honest, local: { size: 0 } }]), 'another size'],
    ['of a size that is too large', zip([{ ...honest, local: { size: 1e6 } }]), 'another size'],
    ['of the packed size', zip([{ ...honest, local: { compressedSize: 1000 } }]), 'another compressed size'],
    ['of the size of stored data', zip([{ ...stored, local: { size: 3 } }]), 'another size'],
    [
      'of its data behind it',
      withDescriptorChanged(zip([{ ...honest, descriptor: 'signed' }])),
      'another checksum or size',
    ],
    ['in the central name', zip([{ ...honest, central: { name: 'g' } }]), 'differs from the entry "f" in its name'],
    ['in the central checksum', zip([{ ...honest, central: { crc: 1 } }]), 'in its checksum'],
    ['in the central size', zip([{ ...honest, central: { size: 1 } }]), 'in its size'],
    ['in the central packed size', zip([{ ...honest, central: { compressedSize: 1 } }]), 'in its compressed size'],
    ['in the central offset', zip([{ ...honest, central: { offset: 1 } }]), 'is not there'],
    ['by listing an entry twice', zip([honest, { ...honest, central: { offset: 0 } }]), 'or one twice'],
    ['by not listing an entry', zip([honest, { ...honest, unlisted: true }]), 'lacks 1 of its entries'],
    ['in its count', zip([honest], { count: 2 }), 'announces 2 entries, and has 1'],
    ['in the size of its directory', zip([honest], { directorySize: 1 }), 'is not where it says'],
    ['in the place of its directory', zip([honest], { directoryOffset: 1 }), 'is not where it says'],
    [
      'in the place of its directory, by zip64',
      zip([honest], { zip64: true, directoryOffset: 1 }),
      'is not where it says',
    ],
    ['by data in a directory', zip([{ name: 'd/', data: 'x' }]), 'the directory "d/" has data'],
    ['by a directory that looks like a file', zip([{ name: 'd', mode: 0o040755 }]), 'lacks the slash'],
    ['by an extra field that is cut', zip([{ ...honest, localExtra: record([1, 2], [9, 2]) }]), 'extra field'],
    ['by garbage ahead', Buffer.concat([Buffer.from('#!/bin/sh\n'), zip([honest])]), 'unknown record'],
    [
      'by garbage in between',
      Buffer.concat([localMember(honest), Buffer.from('gap!'), zip([honest])]),
      'unknown record',
    ],
    ['by garbage behind', Buffer.concat([zip([honest]), Buffer.from('x')]), 'data follows its end'],
    ['by a second archive behind', Buffer.concat([zip([honest]), zip([honest])]), 'data follows its end'],
    ['in deflate data', zip([honest]).fill(0xff, 31, 60), 'deflate data is not valid'],
    ['by a name of nothing', zip([{ ...honest, name: '' }]), 'no name'],
  ];
  test.each(cases)('%s is refused', (_what, archive, words) => {
    for (const step of [13, archive.length]) {
      expect(() => readZip(archive, step)).toThrow(
        expect.objectContaining({ code: 'ArchiveCorrupt', message: expect.stringContaining(words) }),
      );
    }
  });

  // What a member unpacks to is checked while it does: nothing waits for its end.
  test('of the size 0 is stopped at its first bytes', () => {
    const bomb = zip([{ name: 'bomb', data: Buffer.alloc(64 << 20), method: 8, local: { size: 0 } }]);
    let bytes = 0;
    expect(() => readZip(bomb, 65_536, (length) => (bytes += length))).toThrow('another size');
    expect(bytes).toBe(0);
  });

  test('members that overlap are never found', () => {
    const inner = localMember({ name: 'inner', data: text });
    const outer: RawMember = { name: 'outer', data: inner };
    const overlapping = zip([outer, { name: 'inner', data: text, central: { offset: 35 } }]);
    expect(() => readZip(overlapping)).toThrow(expect.objectContaining({ code: 'ArchiveCorrupt' }));
  });
});

function withDescriptorChanged(archive: Buffer): Buffer {
  const at = archive.indexOf('PK\u0007\u0008', 'latin1') + 4;
  archive.writeUInt8(archive.readUInt8(at) ^ 1, at);
  return archive;
}

describe('an archive that is not supported', () => {
  test.each<[string, RawMember, string]>([
    ['encrypted', { name: 'f', flags: 1 }, 'is encrypted'],
    ['strongly encrypted', { name: 'f', flags: 64 }, 'is encrypted'],
    ['with masked headers', { name: 'f', flags: 8192 }, 'is encrypted'],
    ['a patch', { name: 'f', flags: 32 }, 'is a patch'],
    ['packed by LZMA', { name: 'f', method: 14 }, 'method 14'],
    ['packed by zstd in a pipe', { name: 'f', method: 93, descriptor: 'signed' }, 'write the archive to a file'],
    ['a device', { name: 'f', mode: 0o020666 }, 'is a device or a pipe'],
    ['a link to a text with a NUL in it', { name: 'f', data: 'a\0b', mode: 0o120777 }, 'was not kept'],
    ['a link of 5000 bytes', { name: 'f', data: 'x'.repeat(5000), mode: 0o120777 }, 'was not kept'],
    ['a link to nothing', { name: 'f', mode: 0o120777 }, 'was not kept'],
  ])('%s is refused', (_what, member, words) => {
    expect(() => readZip(zip([member]))).toThrow(
      expect.objectContaining({ code: 'UnsupportedEntry', message: expect.stringMatching(`"f" .*${words}`) }),
    );
  });

  test('in several parts is refused', () => {
    const archive = zip([{ name: 'f' }]);
    archive.writeUInt16LE(1, archive.length - 18);
    expect(() => readZip(archive)).toThrow('several parts');
  });
});

test('an archive that is cut anywhere is not complete', () => {
  const archive = zip(
    [{ name: 'd/' }, { name: 'd/f', data: 'abc', method: 8, descriptor: 'signed' }, { name: 'g', data: 'g' }],
    {
      comment: 'end',
      zip64: true,
    },
  );
  for (let length = 0; length < archive.length; length++) {
    expect(() => readZip(archive.subarray(0, length), 64)).toThrow(
      expect.objectContaining({ code: 'SourceTruncated' }),
    );
  }
});

test('an archive with bytes changed is read or refused, never anything else', () => {
  const good = zip([
    { name: 'd/', mode: 0o040700 },
    { name: 'd/f', data: 'abc'.repeat(100), method: 8, mode: 0o100600 },
    { name: 'd/s', data: 'abc'.repeat(100), descriptor: 'signed' },
    { name: 'l', data: 'd/f', mode: 0o120777 },
  ]);
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 300 }), (changes, step) => {
      const archive = Buffer.from(good);
      for (const [offset, value] of changes) archive[offset] = value;
      try {
        readZip(archive, step);
      } catch (error) {
        if (!(error instanceof VolprimeError)) throw error;
        expect(['ArchiveCorrupt', 'UnsupportedEntry', 'SourceTruncated']).toContain(error.code);
      }
    }),
    { numRuns: 500 },
  );
});

describe('archives of other programs', () => {
  let work: string;
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'zip-'));
    mkdirSync(join(work, 'tree/dir/empty'), { recursive: true });
    writeFileSync(join(work, 'tree/dir/a.txt'), text);
    writeFileSync(join(work, 'tree/ünïcödé'), Buffer.alloc(300_000, 'x'));
    writeFileSync(join(work, 'tree/none'), '');
    chmodSync(join(work, 'tree/dir/a.txt'), 0o750);
    chmodSync(join(work, 'tree/dir'), 0o711);
    utimesSync(join(work, 'tree/none'), 1_400_000_000, 1_400_000_000);
    symlinkSync('dir/a.txt', join(work, 'tree/soft'));
  });
  afterAll(() => rmSync(work, { recursive: true }));

  const python = (options: string) => `
import os, sys, zipfile
with zipfile.ZipFile(${options}) as z:
    for root, dirs, files in os.walk('.'):
        for name in sorted(dirs + files):
            if name != 'soft': z.write(os.path.join(root, name))
`;
  const programs: [what: string, command: string[], links: boolean, program: string][] = [
    ['zip', ['sh', '-c', 'zip -qry ../deflated.zip . && cat ../deflated.zip'], true, 'zip'],
    ['zip without compression', ['sh', '-c', 'zip -qry0 ../stored.zip . && cat ../stored.zip'], true, 'zip'],
    ['7-Zip', ['sh', '-c', '7zz a -bd -snl ../seven.zip . > /dev/null && cat ../seven.zip'], true, '7zz'],
    ['bsdtar', ['bsdtar', '-cf', '-', '--format=zip', '.'], true, 'bsdtar'],
    ['Python, to a pipe', ['python3', '-c', python('sys.stdout.buffer, "w", zipfile.ZIP_DEFLATED')], false, 'python3'],
    ['Python, to a pipe, stored', ['python3', '-c', python('sys.stdout.buffer, "w"')], false, 'python3'],
  ];
  test.each(programs.filter(([, , , program]) => installed(program)))(
    '%s',
    (_what, [program = '', ...options], links) => {
      const archive = execFileSync(program, options, { cwd: join(work, 'tree'), maxBuffer: 1 << 26 });
      for (const step of [1000, archive.length]) {
        const entries = readZip(archive, step);
        const byName = new Map(entries.map((entry) => [entry.name.replace(/^\.\//, '').replace(/\/$/, ''), entry]));
        expect(byName.get('dir/a.txt')).toMatchObject({ type: 'file', mode: 0o750, data: Buffer.from(text) });
        expect(byName.get('dir')).toMatchObject({ type: 'directory', mode: 0o711 });
        expect(byName.get('dir/empty')?.type).toBe('directory');
        expect(byName.get(Buffer.from('ünïcödé').toString('latin1'))?.data).toHaveLength(300_000);
        expect(byName.get('none')?.mtime).toBe(1_400_000_000);
        if (links) expect(byName.get('soft')).toMatchObject({ type: 'symbolicLink', linkName: 'dir/a.txt' });
      }
    },
  );
});

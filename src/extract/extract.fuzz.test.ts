import { lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { paxHeader, type RawEntry, tar } from '../../test/support/archives.ts';
import { extract as extractInto } from '../../test/support/extraction.ts';
import { VolprimeError } from '../sdk/index.ts';

jest.setTimeout(60_000);

const expected = new Set(['HostileArchive', 'UnsupportedEntry', 'ArchiveCorrupt', 'SourceTruncated']);

let work: string;
let root: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'fuzz-'));
  root = join(work, 'target');
  writeFileSync(join(work, 'canary'), 'alive');
});
afterAll(() => rmSync(work, { recursive: true }));

async function extract(archive: Buffer, step: number): Promise<unknown> {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  return extractInto(archive, root, { step }).then(
    ({ files }) => files,
    (error: unknown) => error,
  );
}

/** Whatever the archive was: nothing outside of the target, nothing in it that is not a file, a directory or a link, and a known error. */
function checkOutcome(outcome: unknown): void {
  expect(readdirSync(work).sort()).toEqual(['canary', 'target']);
  expect(readFileSync(join(work, 'canary'), 'utf8')).toBe('alive');
  for (const entry of readdirSync(root, { recursive: true, encoding: 'buffer' })) {
    const stats = lstatSync(Buffer.concat([Buffer.from(`${root}/`), entry]));
    expect(stats.isFile() || stats.isDirectory() || stats.isSymbolicLink()).toBe(true);
  }
  if (typeof outcome === 'number') return;
  if (!(outcome instanceof VolprimeError)) throw outcome;
  expect(expected).toContain(outcome.code);
}

const name = fc
  .array(fc.constantFrom('a', 'b', '..', '.', '', 'canary'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));
const entry: fc.Arbitrary<RawEntry> = fc.record({
  name,
  type: fc.constantFrom('0', '0', '0', '5', '1', '2', '2', '3', 'L', 'K', '7', ''),
  linkName: name,
  data: fc.string({ maxLength: 40 }),
  mode: fc.integer({ min: 0, max: 0o7777 }),
});
const extended = fc
  .dictionary(
    fc.constantFrom(
      'path',
      'linkpath',
      'size',
      'mtime',
      'uid',
      'comment',
      'GNU.sparse.map',
      'GNU.sparse.size',
      'GNU.sparse.major',
      'SCHILY.xattr.user.a',
    ),
    fc.oneof(name, fc.string({ maxLength: 8 })),
  )
  .map(paxHeader);

test('archives of odd entries', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 5, arbitrary: entry }, { weight: 1, arbitrary: extended }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 2000 }),
      async (entries, step) => checkOutcome(await extract(tar(entries), step)),
    ),
    { numRuns: 400 },
  );
});

test('good archives with bytes changed and ends cut off', async () => {
  const good = tar([
    { name: 'dir/', type: '5' },
    paxHeader({ path: 'dir/päx', mtime: '1700000000.5' }),
    { name: 'x', data: 'x'.repeat(600) },
    { name: 'dir/hard', type: '1', linkName: 'dir/päx' },
    { name: 'soft', type: '2', linkName: 'dir' },
    { name: 'last', data: 'y' },
  ]);
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { maxLength: 6 }),
      fc.integer({ min: 0, max: good.length }),
      fc.boolean(),
      async (changes, length, repair) => {
        const archive = Buffer.from(good.subarray(0, length));
        for (const [offset, value] of changes) if (offset < length) archive[offset] = value;
        if (repair) repairChecksums(archive);
        checkOutcome(await extract(archive, 700));
      },
    ),
    { numRuns: 400 },
  );
});

/** Lets changed headers through to what comes after the checksum. */
function repairChecksums(archive: Buffer): void {
  for (let offset = 0; offset + 512 <= archive.length; offset += 512) {
    const block = archive.subarray(offset, offset + 512);
    if (block.toString('latin1', 257, 262) !== 'ustar') continue;
    block.fill(' ', 148, 156);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
}

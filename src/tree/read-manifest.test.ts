import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { entryOf, headerOf, inPieces } from '../../test/support/manifests.ts';
import { encodeRecord, type ManifestRecord } from './manifest.ts';
import { readManifest } from './read-manifest.ts';

const header: ManifestRecord = { type: 'header', header: headerOf('directory') };
const ofDevice: ManifestRecord = { type: 'header', header: headerOf('device') };
const root: ManifestRecord = { type: 'entry', entry: entryOf('', { type: 'directory' }) };
const file = (path: string): ManifestRecord => ({ type: 'entry', entry: entryOf(path) });
const extent: ManifestRecord = { type: 'extent', extent: { index: 0, sha256: 'a'.repeat(64) } };
const end = (files: number): ManifestRecord => ({ type: 'end', totals: { files, bytes: 3 * files, changed: 0 } });

const whole = [header, root, file('a'), file('b'), end(2)];
const textOf = (records: readonly ManifestRecord[]) => Buffer.from(records.map(encodeRecord).join(''));

/** What was read, and what was wrong at last. */
async function read(text: Buffer): Promise<{ records: ManifestRecord[]; error: unknown }> {
  const records: ManifestRecord[] = [];
  try {
    for await (const record of readManifest(inPieces(text, 100))) records.push(record);
  } catch (error) {
    return { records, error };
  }
  return { records, error: undefined };
}

const damaged = (words: string) => ({ code: 'ManifestDamaged', message: expect.stringContaining(words) });

describe('a manifest', () => {
  test.each([
    ['of a tree', whole],
    ['of a tree without files', [header, root, end(0)]],
    ['of a device', [ofDevice, extent, end(1)]],
    ['of a device of nothing but zeros', [ofDevice, end(1)]],
  ])('%s is read whole', async (_what, records) => {
    expect(await read(textOf(records))).toEqual({ records, error: undefined });
  });

  test('that is cut anywhere gives what stands before the cut, and then an error', async () => {
    const text = textOf(whole);
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 2), async (length) => {
        const { records, error } = await read(text.subarray(0, length));
        expect(records).toEqual(whole.slice(0, records.length));
        expect(error).toMatchObject(damaged(''));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['nothing', [], 'its end is missing'],
    ['no header', whole.slice(1), 'out of order'],
    ['two headers', [header, ...whole], 'out of order'],
    ['a header behind its end', [...whole, header], 'out of order'],
    ['two ends', [...whole, end(2)], 'out of order'],
    ['a name behind its end', [...whole, file('c')], 'out of order'],
    ['no end', whole.slice(0, -1), 'its end is missing'],
    ['a file too few', [header, root, file('a'), end(2)], 'names are missing'],
    ['a file too many', [header, root, file('a'), file('b'), file('c'), end(2)], 'names are missing'],
    ['no file, and its end tells of two', [header, root, end(2)], 'names are missing'],
    ['the extents of a device in a tree', [header, root, extent, end(0)], 'of a tree and of a device'],
    ['the names of a tree in a device', [ofDevice, file('a'), end(1)], 'of a tree and of a device'],
  ])('is damaged that has %s', async (_what, records, words) => {
    expect((await read(textOf(records))).error).toMatchObject(damaged(words));
  });

  test('tells which line is damaged, and not what stands there', async () => {
    const text = textOf(whole).toString().replace('"path":"b"', '"path":b');
    const { error } = await read(Buffer.from(text));
    expect(error).toMatchObject(damaged('line 4 is not understood'));
    expect(String(error)).not.toContain('"path"');
  });

  test('whose source fails is not called damaged', async () => {
    const failing = async function* () {
      yield textOf(whole.slice(0, 2));
      throw new Error('the disk is gone');
    };
    await expect(Array.fromAsync(readManifest(failing()))).rejects.toThrow('the disk is gone');
  });
});

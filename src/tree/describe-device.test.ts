import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { bytesFrom, headerOf, inPieces } from '../../test/support/manifests.ts';
import { describeDevice } from './describe-device.ts';
import { compareExtents, EXTENT_BYTES } from './extents.ts';
import { readManifest } from './read-manifest.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'describe-device-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

/** Data, zeros, and half a piece of data at the end. */
const content = Buffer.alloc(2.5 * EXTENT_BYTES);
content.fill('data', 0, 1000);
content.fill('data', 2 * EXTENT_BYTES + 1000);

async function describeContent(pieces = content): Promise<Buffer> {
  const description = describeDevice(scratch);
  const told: number[] = [];
  const passed = description.describe(inPieces(pieces, EXTENT_BYTES), (bytes) => void told.push(bytes));
  expect((await bytesFrom(passed)).equals(pieces)).toBe(true);
  expect(told).toEqual([EXTENT_BYTES, EXTENT_BYTES, EXTENT_BYTES / 2]);
  const manifest = description.complete(headerOf('device'));
  expect(manifest.totals).toEqual({ files: 1, bytes: pieces.length, changed: 0 });
  const text = await bytesFrom(manifest.text());
  expect(text).toHaveLength(manifest.length);
  return text;
}

/** @returns the bytes that were told of. */
async function compare(text: Buffer, device: Buffer): Promise<number> {
  let told = 0;
  const records = readManifest(inPieces(text, 1000));
  const totals = await compareExtents(inPieces(device, EXTENT_BYTES), records, (bytes) => (told += bytes));
  expect(totals.bytes).toBe(content.length);
  return told;
}

const differsAt = (extent: number) => ({
  code: 'DataMismatch',
  message: expect.stringContaining(`from byte ${extent * EXTENT_BYTES} of`),
});

describe('a device', () => {
  test('is described while it is read: zeros are not told of, and a shorter end is', async () => {
    const lines = (await describeContent()).toString().trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      headerOf('device'),
      { extent: 0, sha256: expect.any(String) },
      { extent: 2, sha256: expect.any(String), length: EXTENT_BYTES / 2 },
      { end: { files: 1, bytes: content.length, changed: 0 } },
    ]);
  });

  test('agrees with its description, and so does a larger one with zeros behind', async () => {
    const text = await describeContent();
    expect(await compare(text, content)).toBe(content.length);
    for (const more of [1, EXTENT_BYTES / 2, 2 * EXTENT_BYTES]) {
      expect(await compare(text, Buffer.concat([content, Buffer.alloc(more)]))).toBe(content.length + more);
    }
  });

  test.each([
    ['in data', 500, 0],
    ['in the zeros behind data', EXTENT_BYTES - 1, 0],
    ['in zeros', EXTENT_BYTES, 1],
    ['in the last byte', 2.5 * EXTENT_BYTES - 1, 2],
    ['behind the end, in the piece of the end', 2.5 * EXTENT_BYTES, 2],
    ['behind the end, in another piece', 4 * EXTENT_BYTES - 1, 3],
  ])('with one other byte %s differs, and the place is told', async (_what, at, extent) => {
    const text = await describeContent();
    const device = Buffer.concat([content, Buffer.alloc(2 * EXTENT_BYTES)]);
    device[at] = (device[at] ?? 0) ^ 1;
    await expect(compare(text, device)).rejects.toMatchObject(differsAt(extent));
  });

  test.each([
    [2.5 * EXTENT_BYTES - 1, 2],
    [2 * EXTENT_BYTES, 2],
    [1.5 * EXTENT_BYTES, 1],
    [0, 0],
  ])('that ends after %s bytes differs in piece %s, where bytes are missing', async (length, extent) => {
    for (const described of [content, Buffer.alloc(content.length)]) {
      const text = await describeContent(described);
      await expect(compare(text, described.subarray(0, length))).rejects.toMatchObject(differsAt(extent));
    }
  });

  test('is not proven by a description that is cut', async () => {
    const text = await describeContent();
    const cut = text.subarray(0, text.lastIndexOf('{"end"'));
    await expect(compare(cut, content)).rejects.toMatchObject({ code: 'ManifestDamaged' });
  });
});

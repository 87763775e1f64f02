import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bytesFrom, inPieces } from '../../test/support/manifests.ts';
import { EXTENT_BYTES, inExtents, readDevice, requireDevice, writeDevice } from './extents.ts';

const { signal } = new AbortController();

describe('pieces of any length', () => {
  test('become pieces of one length, with the same bytes', async () => {
    const data = randomBytes(3 * EXTENT_BYTES);
    const M = 1024 * 1024;
    const lengths = fc.oneof(fc.nat(12 * M), fc.constantFrom(0, 4 * M - 1, 4 * M, 4 * M + 1, 8 * M, 12 * M));
    await fc.assert(
      fc.asyncProperty(lengths, fc.integer({ min: 100_000, max: 9 * M }), async (length, size) => {
        const found: Buffer[] = [];
        for await (const piece of inExtents(inPieces(data.subarray(0, length), size))) found.push(Buffer.from(piece));
        expect(Buffer.concat(found).equals(data.subarray(0, length))).toBe(true);
        expect(found.slice(0, -1).every((piece) => piece.length === EXTENT_BYTES)).toBe(true);
        expect(found).toHaveLength(Math.ceil(length / EXTENT_BYTES));
      }),
      { numRuns: 20 },
    );
  });
});

describe('what is no block device', () => {
  test.each([
    ['a directory', '.'],
    ['nothing', 'nothing'],
    ['a character device', '/dev/null'],
  ])('%s is refused', (_what, path) =>
    expect(() => requireDevice(path)).toThrow(expect.objectContaining({ code: 'InvalidTarget' })),
  );

  test('a source that is not there is told as such', async () => {
    await expect(bytesFrom(readDevice('/dev/volprime-none', signal))).rejects.toMatchObject({
      code: 'SourceUnreadable',
    });
  });
});

(process.getuid?.() === 0 ? describe : describe.skip)('a block device', () => {
  const SIZE = 3.5 * EXTENT_BYTES;
  let work: string;
  let file: string;
  let device: string;
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'extents-'));
    file = join(work, 'disk');
    writeFileSync(file, '');
    truncateSync(file, SIZE);
    device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
  });
  afterAll(() => {
    execFileSync('losetup', ['--detach', device]);
    rmSync(work, { recursive: true });
  });
  beforeEach(() => writeFileSync(device, Buffer.alloc(SIZE, 0xee)));
  afterEach(() => void execFileSync('blkdiscard', [device]));

  const write = async (content: Buffer) => {
    let told = 0;
    await writeDevice(device, inPieces(content, EXTENT_BYTES), (bytes) => (told += bytes));
    expect(told).toBe(content.length);
  };

  test('holds what was written, and zeros behind, whatever it held; and is read from its first byte to its last', async () => {
    requireDevice(device);
    for (const length of [EXTENT_BYTES + 513, SIZE, 0]) {
      const content = randomBytes(length);
      await write(content);
      const expected = Buffer.concat([content, Buffer.alloc(SIZE - length)]);
      expect(readFileSync(device).equals(expected)).toBe(true);
      expect((await bytesFrom(readDevice(device, signal))).equals(expected)).toBe(true);
    }
  });

  test('that holds zeros stays thin where zeros are written', async () => {
    execFileSync('blkdiscard', [device]);
    const content = Buffer.alloc(3 * EXTENT_BYTES);
    content.fill('data', 2 * EXTENT_BYTES, 2 * EXTENT_BYTES + 4096);
    await write(content);
    expect(readFileSync(device).subarray(0, content.length).equals(content)).toBe(true);
    expect(statSync(file).blocks * 512).toBeLessThanOrEqual(1.1 * EXTENT_BYTES);
  });

  test('that is too small is told of, for good', async () => {
    await expect(write(Buffer.alloc(SIZE + 512, 1))).rejects.toMatchObject({
      code: 'VolumeFull',
      retry: { type: 'never' },
    });
  });
});

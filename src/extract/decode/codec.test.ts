import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { handleContent, handleWorks } from './codec-handle.ts';
import { streamContent } from './codec-stream.ts';
import type { Codec } from './codec.ts';
import type { Content, Pieces } from './pieces.ts';

const ways = { handle: handleContent, stream: streamContent } as const;
const compress = {
  gzip: (bytes: Buffer) => gzipSync(bytes),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
} as const;
/** Compresses by about half: some of its output comes in several calls for one piece of input. */
const content = Buffer.concat([randomBytes(300_000), Buffer.alloc(400_000, 'text '), randomBytes(3)]);
const magics = { gzip: Buffer.from([0x1f, 0x8b]), zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) } as const;
const skippable = Buffer.concat([Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('any')]);

/** The memory of a piece is overwritten when the next one is asked for, as in a ring. */
function piecesOf(body: Buffer, step: number): Pieces {
  const memory = Buffer.alloc(step);
  let offset = 0;
  const next = () => {
    const length = body.copy(memory, 0, offset);
    memory.fill(0xee, length);
    offset += length;
    return length === 0 ? undefined : memory.subarray(0, length);
  };
  return { next, nextAsync: async () => next() };
}

async function readAll(opened: Content, room = 100_000): Promise<Buffer> {
  using reading = opened;
  const chunks: Buffer[] = [];
  for (;;) {
    const into = Buffer.alloc(room);
    const length = await reading.read(into);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(into.subarray(0, length));
  }
}

test('this Node has the handle', () => expect(handleWorks()).toBe(true));

describe.each(Object.entries(ways))('%s', (_name, open) => {
  describe.each(['gzip', 'zstd'] as const)('%s', (codec: Codec) => {
    const packed = compress[codec](content);
    const read = (body: Buffer, step = 65_536) => readAll(open(codec, piecesOf(body, step)));

    test.each([1000, 65_536, 1 << 20])('in pieces of %d bytes', async (step) => {
      expect((await read(packed, step)).equals(content)).toBe(true);
    });

    test('fills all memory but the last', async () => {
      const opened = open(codec, piecesOf(packed, 1000));
      const into = Buffer.alloc(content.length - 1);
      expect(await opened.read(into)).toBe(into.length);
      expect(await opened.read(into)).toBe(1);
      expect(await opened.read(into)).toBe(0);
      expect(await opened.read(into)).toBe(0);
    });

    test.each([1, 1000, 1 << 20])('several members or frames, and padding, in pieces of %d bytes', async (step) => {
      const parts = ['one', '', 'two'].map((text) => compress[codec](Buffer.from(text)));
      const between = codec === 'zstd' ? [skippable] : [];
      const body = Buffer.concat([...parts, ...between, ...parts, Buffer.alloc(5000)]);
      expect((await read(body, step)).toString()).toBe('onetwoonetwo');
    });

    test.each([1, 1000, 1 << 20])('what is no padding is refused, in pieces of %d bytes', async (step) => {
      for (const behind of ['garbage', '\0garbage', `${'\0'.repeat(3000)}x`]) {
        const body = Buffer.concat([compress[codec](Buffer.from('x')), Buffer.from(behind)]);
        await expect(read(body, step)).rejects.toMatchObject({ code: 'ArchiveCorrupt', retry: { type: 'never' } });
      }
    });

    test('a stream that is cut anywhere is not complete', async () => {
      const small = compress[codec](Buffer.from('some text, some text'));
      for (let length = magics[codec].length; length < small.length; length++) {
        await expect(read(small.subarray(0, length))).rejects.toMatchObject({
          code: 'SourceTruncated',
          retry: { type: 'backoff' },
        });
      }
      await expect(read(packed.subarray(0, -1))).rejects.toMatchObject({ code: 'SourceTruncated' });
      await expect(read(Buffer.concat([small, magics[codec]]))).rejects.toMatchObject({ code: 'SourceTruncated' });
    });

    test('a stream that is damaged is refused', async () => {
      // The beginning is a header with flags of its own; Node's zstd writes no checksum unless asked.
      for (const at of [12, Math.floor(packed.length / 2)]) {
        const damaged = Buffer.from(packed);
        for (let index = at; index < at + 200; index++) damaged[index] = 0xff;
        const outcome = await read(damaged).catch((error: unknown) => error);
        if (!Buffer.isBuffer(outcome))
          expect(outcome).toMatchObject({ code: expect.stringMatching(/Corrupt|Truncated/) });
        else expect([codec, outcome.equals(content)]).toEqual(['zstd', false]);
      }
    });

    test('errors of the body pass through', async () => {
      const broken: Pieces = {
        next: () => {
          throw new Error('broken');
        },
        nextAsync: () => Promise.reject(new Error('broken')),
      };
      await expect(readAll(open(codec, broken))).rejects.toThrow('broken');
    });
  });

  test("zstd's own checksum is looked at", async () => {
    const packed = execFileSync('zstd', ['-q', '-c', '--check'], { input: content });
    expect((await readAll(open('zstd', piecesOf(packed, 1000)))).equals(content)).toBe(true);
    packed[packed.length - 1] = (packed.at(-1) ?? 0) ^ 0xff;
    await expect(readAll(open('zstd', piecesOf(packed, 1000)))).rejects.toMatchObject({ code: 'ArchiveCorrupt' });
  });
});

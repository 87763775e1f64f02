import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, expect, jest, test } from '@jest/globals';
import { openContent } from './content.ts';
import type { Pieces } from './pieces.ts';

jest.setTimeout(60_000);

const content = Buffer.concat([randomBytes(300_000), Buffer.from(randomBytes(500_000).toString('base64'))]);
const packed = (program: string, input: Buffer, ...options: string[]) =>
  execFileSync(program, ['-c', ...options], { input, maxBuffer: 1 << 26 });

/** The memory of a piece is overwritten when the next one is asked for, as in a ring. */
function piecesOf(body: Buffer, step: number): Pieces {
  const memory = Buffer.alloc(step);
  let offset = 0;
  const next = () => {
    const length = body.copy(memory, 0, offset, offset + step);
    memory.fill(0xee, length);
    offset += length;
    return length === 0 ? undefined : memory.subarray(0, length);
  };
  return { next, nextAsync: async () => next() };
}

async function unpack(body: Buffer, step = 65_536): Promise<Buffer> {
  const { content: opened } = await openContent(piecesOf(body, step));
  using reading = opened;
  const into = Buffer.alloc(100_000);
  const pieces: Buffer[] = [];
  for (let length = await reading.read(into); length > 0; length = await reading.read(into)) {
    pieces.push(Buffer.from(into.subarray(0, length)));
  }
  return Buffer.concat(pieces);
}

describe.each(['xz', 'bzip2'])('%s', (program) => {
  test.each([1000, 65_536, 1 << 24])('comes out whole in pieces of %d bytes', async (step) => {
    expect((await unpack(packed(program, content), step)).equals(content)).toBe(true);
  });

  test('several streams one behind another are one content', async () => {
    const twice = Buffer.concat([packed(program, content), packed(program, content)]);
    expect((await unpack(twice)).equals(Buffer.concat([content, content]))).toBe(true);
  });

  test('of nothing is nothing', async () => {
    expect(await unpack(packed(program, Buffer.alloc(0)))).toHaveLength(0);
  });

  test('a stream that is cut is told from one that is damaged', async () => {
    const body = packed(program, content);
    const damaged = Buffer.from(body);
    damaged.fill(0x55, 2000, 2100);
    await expect(unpack(body.subarray(0, -50))).rejects.toMatchObject({ code: 'SourceTruncated' });
    await expect(unpack(damaged)).rejects.toMatchObject({ code: 'ArchiveCorrupt' });
    await expect(unpack(Buffer.concat([body, Buffer.alloc(100, 'garbage')]))).rejects.toMatchObject({
      code: 'ArchiveCorrupt',
    });
  });

  test('an error of the source is told as it is', async () => {
    const pieces = piecesOf(packed(program, content), 65_536);
    const failing: Pieces = {
      ...pieces,
      nextAsync: async () => {
        const piece = await pieces.nextAsync();
        if (piece === undefined || piece[0] === 0xee) throw new Error('the source broke');
        return piece;
      },
    };
    const { content: opened } = await openContent(failing);
    using reading = opened;
    const into = Buffer.alloc(1 << 24);
    await expect(reading.read(into)).rejects.toThrow('the source broke');
  });

  test('a missing program is named', async () => {
    const path = process.env['PATH'];
    const body = packed(program, content);
    process.env['PATH'] = '/nowhere';
    try {
      await expect(unpack(body)).rejects.toMatchObject({
        code: 'DecompressorFailed',
        message: expect.stringContaining(program),
      });
    } finally {
      process.env['PATH'] = path;
    }
  });

  test('what is left unread is let go of', async () => {
    const { content: opened } = await openContent(piecesOf(packed(program, content), 65_536));
    await opened.read(Buffer.alloc(10));
    opened[Symbol.dispose]();
  });
});

test('an xz stream that needs more memory than there is for it is refused', async () => {
  const large = Buffer.alloc(1_000_000, 'x');
  const body = packed('xz', large, '--lzma2=dict=256MiB');
  await expect(unpack(body)).rejects.toMatchObject({
    code: 'LimitExceeded',
    message: expect.stringContaining('memory'),
  });
});

/** Text on disk, for what must be gone through more than once and may be too much for memory. Compressed. */
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';

/** So much text comes at a time, at most. */
const PIECE = 1024 * 1024;

/** Keeps a text for `readText`. @returns its bytes. @throws what the text's source throws, and what the disk says. */
export async function writeText(file: string, text: AsyncIterable<Buffer>): Promise<number> {
  let length = 0;
  const counted = async function* () {
    for await (const piece of text) {
      length += piece.length;
      yield piece;
    }
  };
  const fast = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  await pipeline(counted(), fast, createWriteStream(file));
  return length;
}

export async function* readText(file: string): AsyncGenerator<Buffer, void> {
  const input = createReadStream(file);
  const text = createZstdDecompress({ chunkSize: PIECE });
  const copied = pipeline(input, text);
  copied.catch(() => undefined);
  try {
    for await (const piece of text) yield piece;
    await copied;
  } finally {
    input.destroy();
  }
}

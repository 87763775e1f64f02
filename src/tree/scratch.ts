/** Records on disk, for what must be gone through more than once and may be too much for memory. Compressed. */
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { gather, splitLines } from './lines.ts';
import { decodeRecord, encodeRecord, type ManifestRecord } from './manifest.ts';

/**
 * @param onText called with the bytes of each piece of text, before it is compressed.
 * @throws what the source of the records throws, and what the disk says.
 */
export async function writeRecords(
  file: string,
  records: AsyncIterable<ManifestRecord>,
  onText: (bytes: number) => void = () => undefined,
): Promise<void> {
  await writeText(file, told(gather(encoded(records)), onText));
}

/** Keeps a text for `readText`. @throws what the text's source throws, and what the disk says. */
export async function writeText(file: string, text: AsyncIterable<Buffer>): Promise<void> {
  const fast = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  await pipeline(text, fast, createWriteStream(file));
}

export async function* readRecords(file: string): AsyncGenerator<ManifestRecord, void> {
  for await (const line of splitLines(readText(file), 'whole')) yield decodeRecord(line);
}

/** The records as the text that a manifest is. */
export async function* readText(file: string): AsyncGenerator<Buffer, void> {
  const input = createReadStream(file);
  const text = createZstdDecompress();
  const copied = pipeline(input, text);
  copied.catch(() => undefined);
  try {
    for await (const piece of text) yield piece;
    await copied;
  } finally {
    input.destroy();
  }
}

async function* told(pieces: AsyncIterable<Buffer>, onText: (bytes: number) => void): AsyncGenerator<Buffer, void> {
  for await (const piece of pieces) {
    onText(piece.length);
    yield piece;
  }
}

async function* encoded(records: AsyncIterable<ManifestRecord>): AsyncGenerator<string, void> {
  for await (const record of records) yield encodeRecord(record);
}

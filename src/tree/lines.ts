/** Lines of text out of pieces of bytes, as the pieces come. */
import { type ByteString, byteStringOf } from './bytes.ts';

const LINE_FEED = 0x0a;
/** Path, target and attributes of one name at their longest, in base64, and room to spare. */
const LONGEST = 16 * 1024 * 1024;

/** Without their line feeds. `whole`: an error where the last one has none, since then the text was cut. */
export async function* splitLines(pieces: AsyncIterable<Buffer>, end: 'whole' | 'any'): AsyncGenerator<string, void> {
  for await (const lines of cut(pieces, end)) for (const line of lines) yield line.toString('utf8');
}

export async function* splitByteLines(pieces: AsyncIterable<Buffer>): AsyncGenerator<ByteString, void> {
  for await (const lines of cut(pieces, 'any')) for (const line of lines) yield byteStringOf(line);
}

/** The lines of each piece together: one turn for many of them. */
export async function* batchLines(pieces: AsyncIterable<Buffer>): AsyncGenerator<readonly string[], void> {
  for await (const lines of cut(pieces, 'whole')) yield lines.map((line) => line.toString('utf8'));
}

async function* cut(pieces: AsyncIterable<Buffer>, end: 'whole' | 'any'): AsyncGenerator<Buffer[], void> {
  let rest: Buffer[] = [];
  let length = 0;
  for await (const piece of pieces) {
    const lines: Buffer[] = [];
    let from = 0;
    for (let to = piece.indexOf(LINE_FEED); to >= 0; to = piece.indexOf(LINE_FEED, from)) {
      const line = piece.subarray(from, to);
      lines.push(rest.length === 0 ? line : Buffer.concat([...rest, line]));
      rest = [];
      length = 0;
      from = to + 1;
    }
    if (from < piece.length) {
      rest.push(piece.subarray(from));
      length += piece.length - from;
    }
    if (lines.length > 0) yield lines;
    if (length > LONGEST) throw new Error('a line is too long');
  }
  if (rest.length === 0) return;
  if (end === 'whole') throw new Error('the last line is cut');
  yield [Buffer.concat(rest)];
}

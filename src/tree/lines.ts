/** Lines of text out of pieces of bytes, and into them. */
import { type ByteString, byteStringOf } from './bytes.ts';

const LINE_FEED = 0x0a;
/** Path, target and attributes of one name at their longest, in base64, and room to spare. */
const LONGEST = 16 * 1024 * 1024;
const PIECE = 64 * 1024;

/** Without their line feeds. `whole`: an error where the last one has none, since then the text was cut. */
export async function* splitLines(pieces: AsyncIterable<Buffer>, end: 'whole' | 'any'): AsyncGenerator<string, void> {
  for await (const line of cut(pieces, end)) yield line.toString('utf8');
}

export async function* splitByteLines(pieces: AsyncIterable<Buffer>): AsyncGenerator<ByteString, void> {
  for await (const line of cut(pieces, 'any')) yield byteStringOf(line);
}

/** Many short texts as few long ones. */
export async function* gather(texts: Iterable<string> | AsyncIterable<string>): AsyncGenerator<Buffer, void> {
  let gathered = '';
  for await (const text of texts) {
    gathered += text;
    if (gathered.length >= PIECE) {
      yield Buffer.from(gathered);
      gathered = '';
    }
  }
  if (gathered !== '') yield Buffer.from(gathered);
}

async function* cut(pieces: AsyncIterable<Buffer>, end: 'whole' | 'any'): AsyncGenerator<Buffer, void> {
  let rest: Buffer[] = [];
  let length = 0;
  for await (const piece of pieces) {
    let from = 0;
    for (let to = piece.indexOf(LINE_FEED); to >= 0; to = piece.indexOf(LINE_FEED, from)) {
      const line = piece.subarray(from, to);
      yield rest.length === 0 ? line : Buffer.concat([...rest, line]);
      rest = [];
      length = 0;
      from = to + 1;
    }
    if (from < piece.length) {
      rest.push(piece.subarray(from));
      length += piece.length - from;
    }
    if (length > LONGEST) throw new Error('a line is too long');
  }
  if (rest.length === 0) return;
  if (end === 'whole') throw new Error('the last line is cut');
  yield Buffer.concat(rest);
}

/**
 * Inflates with synchronous calls of the handle behind Node's zlib streams: one call per piece, right into the caller's memory, with no
 * trip to the thread pool. `handleWorks` tries the handle on known bytes before anything depends on it, and `codec-stream.ts` does the same work with public means (docs/decisions/0019).
 */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isZero } from '../entries/tar-header.ts';
import { type Codec, codecError, continueFlag, createDecompressor, dataBehind, finishFlag } from './codec.ts';
import type { Content, Pieces } from './pieces.ts';
import { openHandle, UNUSED_CHUNK } from './zlib-handle.ts';

export function handleContent(codec: Codec, pieces: Pieces): Content {
  const stream = createDecompressor(codec, UNUSED_CHUNK);
  let failure: unknown;
  const { handle, state } = openHandle(stream, (message, errno, code) => {
    failure = Object.assign(new Error(message), { errno, code });
  });
  let input: Buffer = Buffer.alloc(0);
  let inputEnded = false;
  let done = false;

  const refill = () => {
    const piece = pieces.next();
    if (piece === undefined) inputEnded = true;
    else input = piece;
  };
  /** One call into the codec. @returns bytes that came out, and whether nothing moved at all. */
  const step = (into: Buffer, offset: number) => {
    const room = into.length - offset;
    const flush = inputEnded ? finishFlag[codec] : continueFlag[codec];
    handle.writeSync(flush, input, 0, input.length, into, offset, room);
    if (failure !== undefined) throw codecError(codec, failure);
    const [roomLeft = 0, inputLeft = 0] = state;
    const idle = roomLeft === room && inputLeft === input.length;
    input = input.subarray(input.length - inputLeft);
    return { length: room - roomLeft, idle };
  };

  return {
    read(into) {
      let filled = 0;
      while (filled < into.length && !done) {
        if (input.length === 0 && !inputEnded) refill();
        const { length, idle } = step(into, filled);
        filled += length;
        // At the end of the last member or frame the codec leaves what follows alone.
        if (idle && input.length > 0) requireZeros(codec, input, pieces);
        done = idle && (input.length > 0 || inputEnded);
      }
      return filled;
    },
    [Symbol.dispose]: () => void stream.destroy(),
  };
}

/** What follows the last member or frame may be padding, to the very end of the body. */
function requireZeros(codec: Codec, first: Buffer, rest: Pieces): void {
  for (let piece: Buffer | undefined = first; piece !== undefined; piece = rest.next()) {
    if (!isZero(piece)) throw dataBehind(codec);
  }
}

/** Whether this Node has the handle, and it does what is expected of it. */
export function handleWorks(): boolean {
  const content = Buffer.from('volprime');
  try {
    return (['gzip', 'zstd'] as const).every((codec) => {
      const packed = codec === 'gzip' ? gzipSync(content) : zstdCompressSync(content);
      const out = Buffer.alloc(2 * content.length);
      using inflating = handleContent(codec, onePiece(packed));
      return inflating.read(out) === content.length && content.equals(out.subarray(0, content.length));
    });
  } catch {
    return false;
  }
}

function onePiece(bytes: Buffer): Pieces {
  let piece: Buffer | undefined = bytes;
  const next = () => {
    const taken = piece;
    piece = undefined;
    return taken;
  };
  return { next, nextAsync: async () => next() };
}

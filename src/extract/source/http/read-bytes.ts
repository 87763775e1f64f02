/** Reads a small body whole. */
import { PermanentError } from '../../../sdk/index.ts';
import { bodyError, displayUrl } from '../source-errors.ts';
import type { Answer } from './answer.ts';

/** @throws AttemptFailedError `SourceTruncated`, `SourceStalled`; PermanentError `SourceRefused` where it is larger than `limit` bytes. */
export async function readBytes(answer: Answer, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const into = Buffer.alloc(64 * 1024);
  let size = 0;
  for (;;) {
    const count = await readPiece(answer, into, size);
    if (count === 0) return Buffer.concat(pieces);
    // A copy: a server that sends byte by byte would have us keep a whole buffer for each.
    pieces.push(Buffer.from(into.subarray(0, count)));
    size += count;
    if (size <= limit) continue;
    answer.body.cancel();
    throw new PermanentError('SourceRefused', `${displayUrl(answer.url)} sent more than ${limit} bytes.`);
  }
}

async function readPiece(answer: Answer, into: Buffer, received: number): Promise<number> {
  try {
    return await answer.body.read(into);
  } catch (cause) {
    throw bodyError(answer.url, received, cause);
  }
}

/** Finds the archive's format by its content, never by its name or Content-Type, and yields the plain tar stream. */
import { createGunzip, type Gunzip } from 'node:zlib';
import { AttemptFailedError, PermanentError } from '../../sdk/index.ts';
import { codeOf } from '../error-code.ts';
import { BLOCK_SIZE, corrupt, isTarHeader, isZero } from '../entries/tar-header.ts';

const INFLATE_CHUNK = 256 * 1024;

/**
 * @throws PermanentError `NotAnArchive` where the content is neither tar nor gzip of tar, `ArchiveCorrupt` where gzip's own checksum
 * does not hold; AttemptFailedError `SourceTruncated` where the gzip stream ends early. Errors of `chunks` pass through.
 */
export async function* decompress(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = await peek(chunks);
  if (!isGzip(source.head)) return yield* requireTar(source);
  yield* requireTar(await peek(gunzip(source.all())));
}

interface Peeked {
  /** The first block, or less where the stream is shorter. */
  readonly head: Buffer;
  all(): AsyncGenerator<Buffer>;
}

async function peek(chunks: AsyncIterable<Buffer>): Promise<Peeked> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < BLOCK_SIZE) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return {
    head: head.subarray(0, BLOCK_SIZE),
    async *all() {
      if (head.length > 0) yield head;
      yield* { [Symbol.asyncIterator]: () => iterator };
    },
  };
}

async function* gunzip(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const inflate = createGunzip({ chunkSize: INFLATE_CHUNK });
  const fed = feed(chunks, inflate).then(
    () => undefined,
    (error: Error) => {
      inflate.destroy(error);
      return error;
    },
  );
  try {
    for await (const chunk of inflate) yield chunk;
    const failure = await fed;
    if (failure !== undefined) throw failure;
  } catch (error) {
    throw gzipError(error);
  } finally {
    inflate.destroy();
  }
}

/**
 * Offers all chunks to the stream, until its reader goes away. Node's gunzip ends at zeros behind the last member and leaves the rest
 * alone: that is read here, so that the whole body is counted and nothing but zeros is passed over.
 */
async function feed(chunks: AsyncIterable<Buffer>, inflate: Gunzip): Promise<void> {
  for await (const chunk of chunks) {
    const taken = inflate.bytesWritten;
    if (!inflate.readableEnded) {
      if (inflate.destroyed) return;
      await new Promise<void>((resolve) => void inflate.write(chunk, () => resolve()));
    }
    const left = chunk.subarray(inflate.bytesWritten - taken);
    if (!isZero(left)) throw corrupt('data follows its gzip stream');
  }
  inflate.end();
}

async function* requireTar(source: Peeked): AsyncGenerator<Buffer> {
  if (!isTarHeader(source.head)) throw new PermanentError('NotAnArchive', notAnArchive(source.head));
  yield* source.all();
}

function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

function notAnArchive(head: Buffer): string {
  const expected = 'expected a tar archive, plain or compressed with gzip';
  if (head.length === 0) return `The source is empty; ${expected}.`;
  if (/^\s*<(!doctype|html|\?xml)/i.test(head.toString('latin1')))
    return `The source is an HTML or XML page; ${expected}.`;
  return `The source's content is of no known format; ${expected}.`;
}

function gzipError(error: unknown): unknown {
  const code = codeOf(error);
  if (code === 'Z_BUF_ERROR') {
    return new AttemptFailedError('SourceTruncated', 'The gzip stream ends before its end marker.', { cause: error });
  }
  // zlib's own words for the rest ("incorrect data check") name what is wrong.
  return code?.startsWith('Z_') === true ? corrupt(`its gzip stream is not valid (${String(error)})`) : error;
}

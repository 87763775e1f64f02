/** Finds what a body is by its content, never by its name or Content-Type, and opens it. */
import { BLOCK_SIZE } from '../entries/tar-header.ts';
import type { Codec } from './codec.ts';
import { handleContent, handleWorks } from './codec-handle.ts';
import { streamContent } from './codec-stream.ts';
import { type Content, type Pieces, plainContent, prepend } from './pieces.ts';
import { type Program, programContent } from './program-content.ts';

export type Compression = Codec | Program;

export interface OpenContent {
  /** What it was compressed with, if anything. */
  readonly codec: Compression | undefined;
  readonly content: Content;
}

/** Opens the content of a body: decompressed, where it is compressed. */
export async function openContent(pieces: Pieces): Promise<OpenContent> {
  const { head, rest } = await peek(pieces);
  const codec = compressionOf(head);
  return { codec, content: decompressed(codec, prepend(head, rest)) };
}

function decompressed(codec: Compression | undefined, body: Pieces): Content {
  switch (codec) {
    case undefined:
      return plainContent(body);
    case 'xz':
    case 'bzip2':
      return programContent(codec, body);
    case 'gzip':
    case 'zstd':
      return handleWorks() ? handleContent(codec, body) : streamContent(codec, body);
  }
}

/** The body's beginning, a block of it where it is that long; what was looked at is a copy. */
async function peek(pieces: Pieces): Promise<{ readonly head: Buffer; readonly rest: Pieces }> {
  let head = Buffer.alloc(0);
  while (head.length < BLOCK_SIZE) {
    const piece = await pieces.nextAsync();
    if (piece === undefined) break;
    head = Buffer.concat([head, piece]);
  }
  return { head, rest: pieces };
}

const ZSTD_FRAME = 0xfd2fb528;
/** Sixteen numbers are set aside for skippable frames. */
const ZSTD_SKIPPABLE = 0x184d2a50;

const XZ = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);
/** Behind the format and the size of its blocks: the mark of the first block, or that of the end. */
const BZIP2 = /^BZh[1-9]$/;
const BZIP2_MARKS: ReadonlySet<string> = new Set(['314159265359', '177245385090']);

/** @param head the beginning of a body; one that is shorter than a block may not show it. */
export function compressionOf(head: Buffer): Compression | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.subarray(0, XZ.length).equals(XZ)) return 'xz';
  if (BZIP2.test(head.toString('latin1', 0, 4)) && BZIP2_MARKS.has(head.toString('hex', 4, 10))) return 'bzip2';
  if (head.length < Uint32Array.BYTES_PER_ELEMENT) return undefined;
  const magic = head.readUInt32LE(0);
  return magic === ZSTD_FRAME || (magic & 0xfffffff0) >>> 0 === ZSTD_SKIPPABLE ? 'zstd' : undefined;
}

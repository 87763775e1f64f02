/** One body in, entries out: finds out what the body is, decompresses it and hands its entries to the planner. Knows no threads. */
import { PermanentError } from '../sdk/errors.ts';
import type { Budget } from './budget.ts';
import { type Compression, openContent } from './decode/content.ts';
import type { Pieces } from './decode/pieces.ts';
import type { EntryHandler } from './entries/entry.ts';
import type { Notes } from './entries/notes.ts';
import type { Overlay } from './entries/overlay.ts';
import { imageFormat } from './entries/image-format.ts';
import { applyPolicy } from './entries/policy.ts';
import { SingleFileReader } from './entries/single-file-reader.ts';
import { BLOCK_SIZE, type ByteString, isTarHeader, isZero } from './entries/tar-header.ts';
import { TarReader } from './entries/tar-reader.ts';
import { isZipStart } from './entries/zip-header.ts';
import { ZipReader } from './entries/zip-reader.ts';
import type { Layer } from './job.ts';
import type { LimitGuard } from './limits.ts';

/** Where content is put while it is read. */
export interface ContentMemory {
  /** Memory for the next piece of content; the one before is no longer read. */
  nextData(): Buffer;
  endData(): void;
}

export interface LayerOptions {
  readonly layer: Layer;
  readonly preserveOwners: boolean;
  readonly pieces: Pieces;
  readonly handler: EntryHandler;
  readonly limits: LimitGuard;
  /** The same for all layers of a job. */
  readonly overlay: Overlay;
  readonly memory: ContentMemory;
  /** Gets what was left out or put up with. */
  readonly notes: Notes;
  /** After each piece of content. */
  readonly onPiece: () => void | Promise<void>;
}

/** What takes the content, piece by piece. */
interface ContentReader {
  write(chunk: Buffer): void;
  /** @throws where the content is not complete. */
  end(): void;
}

/**
 * @throws PermanentError `NotAnArchive`, `HostileArchive`, `UnsupportedEntry`, `ArchiveCorrupt`, `LimitExceeded`; AttemptFailedError
 * `SourceTruncated` where the body ends before its content does. Errors of pieces, handler and `onPiece` pass through.
 */
export async function extractLayer(options: LayerOptions): Promise<void> {
  const { limits, memory, onPiece } = options;
  const { pieces, bytesTaken } = counted(options.pieces);
  const { codec, content: opened } = await openContent(pieces);
  using content = opened;
  let reader: ContentReader | undefined;
  let packedMemory: Buffer | undefined;
  /** Of content that is not zeros. */
  let bytes = 0;
  for (;;) {
    const chunk = packedMemory ?? memory.nextData();
    const reading = content.read(chunk);
    const length = typeof reading === 'number' ? reading : await reading;
    let got = chunk.subarray(0, length);
    if (reader === undefined) {
      const packed = isZip(options.layer, got);
      if (packed) {
        // What comes out of it may be many times larger: it is read elsewhere than where output goes.
        packedMemory = Buffer.from(chunk);
        got = packedMemory.subarray(0, length);
        memory.endData();
      }
      const handler = limits.guard(options.handler, packed ? bytesTaken : undefined);
      reader = openReader({ ...options, codec, head: got, handler, globs: limits.budgets.globs });
    }
    if (length === 0) break;
    if (!isZero(got)) bytes += length;
    if (codec !== undefined) limits.checkRatio(bytesTaken(), bytes);
    reader.write(got);
    const pause = onPiece();
    if (pause !== undefined) await pause;
  }
  reader.end();
  memory.endData();
}

function counted(pieces: Pieces): { readonly pieces: Pieces; readonly bytesTaken: () => number } {
  let bytes = 0;
  const count = (piece: Buffer | undefined) => {
    bytes += piece?.length ?? 0;
    return piece;
  };
  return {
    pieces: { next: () => count(pieces.next()), nextAsync: async () => count(await pieces.nextAsync()) },
    bytesTaken: () => bytes,
  };
}

interface Opening {
  readonly layer: Layer;
  readonly preserveOwners: boolean;
  readonly codec: Compression | undefined;
  /** The content's first piece: a block at least, where it is that long. */
  readonly head: Buffer;
  readonly handler: EntryHandler;
  readonly overlay: Overlay;
  readonly notes: Notes;
  readonly globs: Budget;
}

function openReader({ layer, preserveOwners, codec, head, handler, overlay, notes, globs }: Opening): ContentReader {
  const { format } = layer;
  if (format === 'raw') refuseOtherThanRaw(head);
  if (format === 'file' || format === 'raw') return new SingleFileReader(handler, fileName(layer, codec));
  const policy = applyPolicy({ ...layer, preserveOwners, globs }, notes, handler);
  if (isZip(layer, head)) return new ZipReader(policy);
  if (format === undefined && !isTarHeader(head.subarray(0, BLOCK_SIZE))) throw notAnArchive(head);
  return new TarReader(layer.image === undefined ? policy : overlay.layer(layer.image, policy), notes);
}

function isZip({ format }: Layer, head: Buffer): boolean {
  return format === undefined ? isZipStart(head) : format === 'zip';
}

/** The last part of the URL's path, without the ending of a compression that was undone. */
function fileName({ urls }: Layer, codec: Compression | undefined): ByteString {
  const path = URL.parse(urls[0] ?? '')?.pathname ?? '';
  const name = decoded(path.split('/').findLast((part) => part !== '') ?? 'content');
  return Buffer.from(codec === undefined ? name : name.replace(COMPRESSION_ENDING, '')).toString('latin1');
}

const COMPRESSION_ENDING = /(?<=.)\.(gz|zst|xz|bz2)$/i;

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function notAnArchive(head: Buffer): PermanentError {
  const expected = 'expected a zip archive, or a tar archive, plain or compressed with gzip, zstd, xz or bzip2';
  if (head.length === 0) return new PermanentError('NotAnArchive', `The source is empty; ${expected}.`);
  if (isPage(head)) {
    return new PermanentError('NotAnArchive', `The source is an HTML or XML page; ${expected}.`);
  }
  return new PermanentError('NotAnArchive', `The source's content is of no known format; ${expected}.`);
}

/** What servers send with status 200 instead of what was asked for: a form to log in, most often. */
function isPage(head: Buffer): boolean {
  return /^\s*<(!doctype|html|\?xml)/i.test(head.toString('latin1', 0, BLOCK_SIZE));
}

function refuseOtherThanRaw(head: Buffer): void {
  if (isPage(head)) {
    throw new PermanentError('NotAnArchive', 'The source is an HTML or XML page; expected the image of a device.');
  }
  const other = imageFormat(head);
  if (other === undefined) return;
  throw new PermanentError(
    'ImageNotRaw',
    `The source is an image of the format ${other}, and only raw images are written. Convert it first: qemu-img convert -O raw.`,
  );
}

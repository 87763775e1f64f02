/**
 * Reads a tar stream: ustar, pax, GNU's long names, sparse files of all kinds. Strict: what it does not understand is an error.
 *
 * It works synchronously on whatever pieces come and keeps at most one block, the extended headers of one entry and one sparse map in
 * memory. Safety of names is not its business (see policy.ts).
 */
import { AttemptFailedError, PermanentError } from '../../sdk/errors.ts';
import type { Entry, EntryHandler } from './entry.ts';
import { addNote, type Notes } from './notes.ts';
import { type Overrides, readPax } from './pax.ts';
import { decodeOldSparse, decodeSparseExtension, mapOfRecords, type SparseMap, SparseMapLines } from './sparse.ts';
import { describeEntry, type Extensions } from './tar-entry.ts';
import { BLOCK_SIZE, corrupt, cString, decodeHeader, isZero, type TarHeader, viewOf } from './tar-header.ts';

/** Of all extended headers of one entry together. */
const MAX_EXTENDED_HEADER = 1024 * 1024;

/** What the bytes ahead belong to. */
type Section =
  | { readonly kind: 'header' }
  | { readonly kind: 'data'; left: number; padding: number }
  | { readonly kind: 'extended'; readonly typeFlag: string; readonly pieces: Buffer[]; left: number; padding: number }
  | { readonly kind: 'sparseExtension'; readonly entry: Entry; readonly map: SparseMap }
  | { readonly kind: 'sparseLines'; readonly entry: Entry; readonly lines: SparseMapLines; taken: number }
  | { readonly kind: 'end' };

type Content = Extract<Section, { left: number }>;

const HEADER: Section = { kind: 'header' };
const END: Section = { kind: 'end' };

export class TarReader {
  readonly #handler: EntryHandler;
  readonly #notes: Notes;
  #section: Section = HEADER;
  /** The beginning of a block whose rest has not come yet. */
  readonly #block = Buffer.alloc(BLOCK_SIZE);
  readonly #blockView = viewOf(this.#block);
  #blockLength = 0;
  #zeroBlocks = 0;
  #entries = 0;
  #global: Overrides = {};
  #extensions: Extensions | undefined;
  #extensionBytes = 0;

  constructor(handler: EntryHandler, notes: Notes) {
    this.#handler = handler;
    this.#notes = notes;
  }

  /** @throws PermanentError `ArchiveCorrupt`, `UnsupportedEntry`; errors of the handler. */
  write(chunk: Buffer): void {
    const view = viewOf(chunk);
    for (let at = 0; at < chunk.length; ) at = this.#step(chunk, view, at);
  }

  /**
   * To be called only where the source and its compression have told that they are complete: then an archive may lack its end-of-archive
   * marker, which some programs do not write.
   * @throws AttemptFailedError `SourceTruncated` where an entry is cut, or there is nothing at all.
   */
  end(): void {
    if (this.#section.kind === 'end') return;
    const betweenEntries = this.#section.kind === 'header' && this.#blockLength === 0 && this.#extensions === undefined;
    if (!betweenEntries) throw new AttemptFailedError('SourceTruncated', 'The archive ends in the middle of an entry.');
    if (this.#entries === 0)
      throw new AttemptFailedError('SourceTruncated', 'The archive ends before its first entry.');
    addNote(this.#notes, 'endMarkerMissing');
  }

  /** Takes what belongs to the current section. @returns where the rest of the chunk begins. */
  #step(chunk: Buffer, view: DataView, at: number): number {
    const section = this.#section;
    switch (section.kind) {
      case 'data':
      case 'extended':
        return this.#readContent(section, chunk, at);
      case 'end':
        if (!isZero(chunk.subarray(at))) {
          throw corrupt('data follows its end; archives that were joined together are not supported');
        }
        return chunk.length;
      default:
        return this.#readBlock(chunk, view, at);
    }
  }

  #readBlock(chunk: Buffer, view: DataView, at: number): number {
    if (this.#blockLength === 0 && chunk.length - at >= BLOCK_SIZE) {
      this.#takeBlock(chunk, view, at);
      return at + BLOCK_SIZE;
    }
    const taken = chunk.copy(this.#block, this.#blockLength, at);
    this.#blockLength += taken;
    if (this.#blockLength === BLOCK_SIZE) {
      this.#blockLength = 0;
      this.#takeBlock(this.#block, this.#blockView, 0);
    }
    return at + taken;
  }

  #takeBlock(block: Buffer, view: DataView, at: number): void {
    const section = this.#section;
    if (section.kind === 'sparseExtension') {
      if (!decodeSparseExtension(block, at, section.map)) this.#beginSparse(section.entry, section.map);
    } else if (section.kind === 'sparseLines') {
      section.taken += BLOCK_SIZE;
      if (section.taken > section.entry.size) throw corrupt('the map of a sparse file is longer than its data');
      if (section.lines.take(block, at)) {
        this.#beginSparse({ ...section.entry, size: section.entry.size - section.taken }, section.lines.map);
      }
    } else if (block[at] === 0 && isZero(block.subarray(at, at + BLOCK_SIZE))) this.#readZeroBlock();
    else this.#readHeader(decodeHeader(block, view, at), block, at);
  }

  #readZeroBlock(): void {
    if (this.#extensions !== undefined) throw corrupt('it ends after an extended header');
    if (++this.#zeroBlocks === 2) this.#section = END;
  }

  #readHeader(header: TarHeader, block: Buffer, at: number): void {
    if (this.#zeroBlocks > 0) throw corrupt('a block of zeros stands between two entries');
    if (EXTENDED.has(header.typeFlag)) return this.#beginExtended(header);
    this.#entries++;
    const extensions = this.#extensions;
    this.#extensions = undefined;
    this.#extensionBytes = 0;
    // A volume label (GNU tar --label) has no content.
    if (header.typeFlag === 'V') return;
    const entry = describeEntry(header, extensions, this.#global);
    if (header.typeFlag === 'S') return this.#beginOldSparse(entry, block, at);
    if (extensions?.pax.sparse !== undefined) return this.#beginPaxSparse(entry, extensions.pax.sparse);
    this.#begin(entry);
  }

  #begin(entry: Entry): void {
    this.#handler.begin(entry);
    if (entry.type !== 'file') {
      this.#section = HEADER;
      return;
    }
    this.#section = { kind: 'data', left: entry.size, padding: paddingOf(entry.size) };
    this.#finishPadding(this.#section);
  }

  #beginOldSparse(entry: Entry, block: Buffer, at: number): void {
    const { map, more } = decodeOldSparse(block, at, entry.name);
    if (more) this.#section = { kind: 'sparseExtension', entry, map };
    else this.#beginSparse(entry, map);
  }

  #beginPaxSparse(entry: Entry, sparse: NonNullable<Overrides['sparse']>): void {
    const { size, major = 0, minor = 0, numbers } = sparse;
    if (entry.type !== 'file' || size === undefined) throw corrupt('an extended header describes no sparse file');
    if (major === 0) return this.#beginSparse(entry, mapOfRecords(entry.name, size, numbers));
    if (major !== 1 || minor !== 0) {
      throw new PermanentError(
        'UnsupportedEntry',
        `The archive's sparse files are of the unknown version ${major}.${minor}.`,
      );
    }
    this.#section = { kind: 'sparseLines', entry, lines: new SparseMapLines(entry.name, size), taken: 0 };
  }

  #beginSparse(entry: Entry, map: SparseMap): void {
    this.#begin({ ...entry, sparse: map.finish(entry.size) });
  }

  #beginExtended({ typeFlag, size }: TarHeader): void {
    this.#extensionBytes += size;
    if (size < 0 || this.#extensionBytes > MAX_EXTENDED_HEADER) {
      throw new PermanentError(
        'UnsupportedEntry',
        `The archive has extended headers of ${this.#extensionBytes} bytes for one entry; at most 1 MiB is read.`,
      );
    }
    this.#section = { kind: 'extended', typeFlag, pieces: [], left: size, padding: paddingOf(size) };
    this.#finishPadding(this.#section);
  }

  #readContent(section: Content, chunk: Buffer, from: number): number {
    const to = Math.min(from + section.left, chunk.length);
    if (to > from) this.#takeContent(section, chunk.subarray(from, to));
    if (section.left > 0) return to;
    const padding = Math.min(section.padding, chunk.length - to);
    section.padding -= padding;
    this.#finishPadding(section);
    return to + padding;
  }

  #takeContent(section: Content, content: Buffer): void {
    section.left -= content.length;
    if (section.kind === 'data') this.#handler.data(content);
    else if (section.left === 0) this.#applyExtended(section.typeFlag, joined(section.pieces, content));
    // A copy: the chunk's memory may be reused before the rest of the header comes.
    else section.pieces.push(Buffer.from(content));
  }

  /** Goes on to the next header once all of the section has come. */
  #finishPadding(section: Content): void {
    if (section.left > 0 || section.padding > 0) return;
    this.#section = HEADER;
    if (section.kind === 'data') this.#handler.end();
  }

  #applyExtended(typeFlag: string, data: Buffer): void {
    if (typeFlag === 'g') return this.#applyGlobal(data);
    const extensions = (this.#extensions ??= { pax: {} });
    if (typeFlag === 'L') extensions.longName = cString(data);
    else if (typeFlag === 'K') extensions.longLinkName = cString(data);
    else readPax(data, extensions.pax, this.#notes);
  }

  #applyGlobal(data: Buffer): void {
    readPax(data, this.#global, this.#notes);
    const { name, linkName, size, sparse, attributes } = this.#global;
    if ([name, linkName, size, sparse, attributes].some((said) => said !== undefined)) {
      throw corrupt('a global extended header says of every entry what only one can have');
    }
  }
}

const EXTENDED: ReadonlySet<string> = new Set(['x', 'g', 'L', 'K']);

function joined(pieces: readonly Buffer[], last: Buffer): Buffer {
  return pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
}

function paddingOf(size: number): number {
  return (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE;
}

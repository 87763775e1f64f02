/**
 * Reads a tar stream: ustar, pax and GNU's long names. Strict: what it does not understand is an error, and the stream counts as
 * complete only with its end-of-archive marker and nothing behind it.
 *
 * It works synchronously on whatever pieces come and keeps at most one block and one extended header in memory.
 */
import { AttemptFailedError, PermanentError } from '../../sdk/index.ts';
import { hostile, quote } from './entry-name.ts';
import { type Overrides, parsePax } from './pax.ts';
import { BLOCK_SIZE, type ByteString, corrupt, cString, decodeHeader, isZero, type TarHeader } from './tar-header.ts';

export type EntryType = 'file' | 'directory' | 'hardLink' | 'symbolicLink';

export interface TarEntry {
  readonly type: EntryType;
  /** Exactly as the archive spells it: nothing is stripped, nothing is safe yet. */
  readonly name: ByteString;
  readonly linkName: ByteString;
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
}

/** Gets each entry; for a file also its data, and a word at its end. An error thrown here comes out of `write`. */
export interface EntryHandler {
  begin(entry: TarEntry): void;
  data(bytes: Buffer): void;
  end(): void;
}

const MAX_EXTENDED_HEADER = 1024 * 1024;

/** What the bytes ahead belong to. */
type Section =
  | { readonly kind: 'header' }
  | { readonly kind: 'data'; left: number; padding: number }
  | { readonly kind: 'extended'; readonly header: TarHeader; readonly pieces: Buffer[]; left: number; padding: number }
  | { readonly kind: 'end' };

export class TarReader {
  readonly #handler: EntryHandler;
  #section: Section = { kind: 'header' };
  /** The beginning of a header block whose rest has not come yet. */
  #partial: Buffer = Buffer.alloc(0);
  #zeroBlocks = 0;
  #global: Overrides = {};
  #pending: Overrides | undefined;
  #attributesLost = 0;

  constructor(handler: EntryHandler) {
    this.#handler = handler;
  }

  /** Entries whose extended attributes or ACLs were read over. */
  get attributesLost(): number {
    return this.#attributesLost;
  }

  /** @throws PermanentError `ArchiveCorrupt`, `UnsupportedEntry`, `HostileArchive`; errors of the handler. */
  write(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0; ) rest = this.#step(rest);
  }

  /** @throws AttemptFailedError `SourceTruncated` where the archive is not complete. */
  end(): void {
    if (this.#section.kind === 'end') return;
    const where =
      this.#section.kind === 'header' && this.#partial.length === 0
        ? 'without its end-of-archive marker'
        : 'in the middle of an entry';
    throw new AttemptFailedError('SourceTruncated', `The archive ends ${where}.`);
  }

  /** Takes what belongs to the current section and returns what is left of the chunk. */
  #step(chunk: Buffer): Buffer {
    switch (this.#section.kind) {
      case 'header':
        return this.#readHeader(chunk);
      case 'data':
      case 'extended':
        return this.#readContent(this.#section, chunk);
      case 'end':
        if (!isZero(chunk)) throw corrupt('data follows its end; archives that were joined together are not supported');
        return chunk.subarray(chunk.length);
    }
  }

  #readHeader(chunk: Buffer): Buffer {
    const missing = BLOCK_SIZE - this.#partial.length;
    const block =
      this.#partial.length === 0
        ? chunk.subarray(0, missing)
        : Buffer.concat([this.#partial, chunk.subarray(0, missing)]);
    if (block.length < BLOCK_SIZE) {
      this.#partial = Buffer.from(block);
      return chunk.subarray(chunk.length);
    }
    this.#partial = Buffer.alloc(0);
    if (isZero(block)) this.#readZeroBlock();
    else this.#beginSection(decodeHeader(block));
    return chunk.subarray(missing);
  }

  #readZeroBlock(): void {
    if (this.#pending !== undefined) throw corrupt('it ends after an extended header');
    if (++this.#zeroBlocks === 2) this.#section = { kind: 'end' };
  }

  #beginSection(header: TarHeader): void {
    if (this.#zeroBlocks > 0) throw corrupt('a block of zeros stands between two entries');
    if (EXTENDED.has(header.typeFlag)) return this.#beginExtended(header);
    const entry = this.#describe(header);
    this.#pending = undefined;
    // A volume label (GNU tar --label) has no content.
    if (entry === undefined) return;
    this.#handler.begin(entry);
    if (entry.type !== 'file') return;
    this.#section = { kind: 'data', ...extent(entry.size) };
    this.#finishSection();
  }

  #beginExtended(header: TarHeader): void {
    if (header.size > MAX_EXTENDED_HEADER) {
      throw new PermanentError(
        'UnsupportedEntry',
        `The archive has an extended header of ${header.size} bytes; at most 1 MiB is read.`,
      );
    }
    this.#section = { kind: 'extended', header, pieces: [], ...extent(header.size) };
    this.#finishSection();
  }

  #readContent(section: Extract<Section, { left: number }>, chunk: Buffer): Buffer {
    const content = chunk.subarray(0, section.left);
    if (content.length > 0) {
      if (section.kind === 'data') this.#handler.data(content);
      // A copy: the chunk's memory may be reused before the rest of the header comes.
      else section.pieces.push(Buffer.from(content));
    }
    section.left -= content.length;
    const padding = section.left > 0 ? 0 : Math.min(section.padding, chunk.length - content.length);
    section.padding -= padding;
    this.#finishSection();
    return chunk.subarray(content.length + padding);
  }

  /** Goes on to the next header once all of the section has come. */
  #finishSection(): void {
    const section = this.#section;
    if (!('left' in section) || section.left > 0 || section.padding > 0) return;
    this.#section = { kind: 'header' };
    if (section.kind === 'data') this.#handler.end();
    else this.#applyExtended(section.header.typeFlag, Buffer.concat(section.pieces));
  }

  #applyExtended(typeFlag: string, data: Buffer): void {
    if (typeFlag === 'L') this.#pending = { name: cString(data), ...this.#pending };
    else if (typeFlag === 'K') this.#pending = { linkName: cString(data), ...this.#pending };
    else {
      const { overrides, hasAttributes } = parsePax(data);
      if (hasAttributes) this.#attributesLost++;
      if (typeFlag === 'x') this.#pending = { ...this.#pending, ...overrides };
      else this.#applyGlobal(overrides);
    }
  }

  #applyGlobal(overrides: Overrides): void {
    if ('name' in overrides || 'linkName' in overrides || 'size' in overrides) {
      throw corrupt('a global extended header names or sizes every entry alike');
    }
    this.#global = { ...this.#global, ...overrides };
  }

  #describe(header: TarHeader): (TarEntry & { readonly size: number }) | undefined {
    const { name, linkName, size, mode, mtime, typeFlag } = { ...header, ...this.#global, ...this.#pending };
    if (typeFlag === 'V') return undefined;
    if (name === '') throw corrupt('an entry has no name');
    if (size < 0) throw corrupt('an entry has a negative size');
    // Before POSIX, a directory was a file whose name ends in a slash.
    const type = typeFlag === '' || typeFlag === '0' ? (name.endsWith('/') ? 'directory' : 'file') : TYPES[typeFlag];
    if (type !== undefined) return { type, name, linkName, mode, mtime, size };
    const device = DEVICES[typeFlag];
    if (device !== undefined) throw hostile(name, `is a ${device}`);
    throw new PermanentError(
      'UnsupportedEntry',
      `The archive's entry ${quote(name)} is of the type "${typeFlag}", which is not supported.`,
    );
  }
}

const EXTENDED: ReadonlySet<string> = new Set(['x', 'g', 'L', 'K']);
/** Links and directories have no data, whatever their size field says. */
const TYPES: Readonly<Record<string, EntryType>> = {
  '1': 'hardLink',
  '2': 'symbolicLink',
  '5': 'directory',
  '7': 'file',
};
const DEVICES: Readonly<Record<string, string>> = { '3': 'character device', '4': 'block device', '6': 'pipe' };

function extent(size: number): { left: number; padding: number } {
  return { left: size, padding: (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE };
}

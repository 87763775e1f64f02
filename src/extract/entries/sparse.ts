/** Where the stored data of a sparse file belongs: GNU's old header, and its three ways to say it in pax archives. */
import { PermanentError } from '../../sdk/errors.ts';
import { quote } from './entry-name.ts';
import type { Extent } from './entry.ts';
import { BLOCK_SIZE, type ByteString, corrupt, decodeNumber } from './tar-header.ts';

/** Bounds the memory that a map can ask for. */
const MAX_EXTENTS = 500_000;

/** A map under construction: extents in order, apart, and inside of the file. */
export class SparseMap {
  /** The apparent size. */
  readonly size: number;
  readonly #name: ByteString;
  readonly #extents: Extent[] = [];
  #end = 0;
  #stored = 0;
  #count = 0;

  constructor(name: ByteString, size: number) {
    this.#name = name;
    this.size = size;
    if (size < 0) throw this.#wrong('has a negative size');
  }

  /** @throws PermanentError `ArchiveCorrupt` where it does not follow the one before, `UnsupportedEntry` beyond half a million. */
  add(offset: number, length: number): void {
    if (++this.#count > MAX_EXTENTS) {
      throw new PermanentError(
        'UnsupportedEntry',
        `The archive's sparse file ${quote(this.#name)} has more than ${MAX_EXTENTS} pieces.`,
      );
    }
    if (offset < this.#end || length < 0 || offset + length > this.size) throw this.#wrong('has overlapping pieces');
    this.#end = offset + length;
    this.#stored += length;
    // GNU tar marks a hole at the end by a piece of no length.
    if (length > 0) this.#extents.push({ offset, length });
  }

  /** @param stored bytes of data that the archive has for the file. */
  finish(stored: number): { readonly size: number; readonly extents: readonly Extent[] } {
    if (this.#stored !== stored) throw this.#wrong('has more or less data than its map says');
    return { size: this.size, extents: this.#extents };
  }

  #wrong(what: string): PermanentError {
    return corrupt(`its sparse file ${quote(this.#name)} ${what}`);
  }
}

/** The header of an old GNU sparse file holds the apparent size and the first pieces. */
export function decodeOldSparse(header: Buffer, at: number, name: ByteString): { map: SparseMap; more: boolean } {
  const map = new SparseMap(name, decodeNumber(header, at + 483, 12, 'realsize'));
  return { map, more: addPieces(map, header, at + 386, 4) };
}

/** A block of nothing but pieces follows where the one before says so. @returns whether yet another one follows. */
export function decodeSparseExtension(block: Buffer, at: number, map: SparseMap): boolean {
  return addPieces(map, block, at, 21);
}

const PIECE_SIZE = 24;

/** Up to `count` pieces; the first one that is empty ends them. The byte behind them says whether more follow. */
function addPieces(map: SparseMap, block: Buffer, at: number, count: number): boolean {
  const end = at + count * PIECE_SIZE;
  for (let from = at; from < end && block[from] !== 0; from += PIECE_SIZE) {
    map.add(decodeNumber(block, from, 12, 'offset'), decodeNumber(block, from + 12, 12, 'numbytes'));
  }
  return block[end] !== 0;
}

/** What pax records say of a sparse file (`GNU.sparse.*`), as text. */
export interface SparseRecords {
  name?: ByteString;
  /** Apparent. */
  size?: number;
  major?: number;
  minor?: number;
  /** Offsets and lengths in turn (versions 0.0 and 0.1); in version 1.0 the file's data begins with them. */
  readonly numbers: number[];
}

/** The map of version 0.0 or 0.1. */
export function mapOfRecords(name: ByteString, size: number, numbers: readonly number[]): SparseMap {
  const map = new SparseMap(name, size);
  if (numbers.length % 2 !== 0) throw corrupt(`the map of its sparse file ${quote(name)} is cut`);
  for (let index = 0; index < numbers.length; index += 2) map.add(numbers[index] ?? 0, numbers[index + 1] ?? 0);
  return map;
}

/**
 * The map at the beginning of the data of version 1.0: lines of decimal numbers, the count of pieces first, then offset and length of
 * each, padded with NULs to whole blocks.
 */
export class SparseMapLines {
  readonly map: SparseMap;
  readonly #name: ByteString;
  #numbersLeft = -1;
  #offset: number | undefined;
  #digits = 0;
  #value = 0;

  constructor(name: ByteString, size: number) {
    this.#name = name;
    this.map = new SparseMap(name, size);
  }

  /** Takes one block. @returns whether the map is complete; the rest of its last block is padding. */
  take(block: Buffer, at: number): boolean {
    for (let index = at; index < at + BLOCK_SIZE; index++) {
      const byte = block[index] ?? 0;
      if (byte === 0x0a) {
        if (this.#line()) return true;
      } else if (byte >= 0x30 && byte <= 0x39 && ++this.#digits <= 15) this.#value = this.#value * 10 + byte - 0x30;
      else throw this.#malformed();
    }
    return false;
  }

  #line(): boolean {
    if (this.#digits === 0) throw this.#malformed();
    const value = this.#value;
    this.#value = 0;
    this.#digits = 0;
    if (this.#numbersLeft === -1) this.#numbersLeft = 2 * value;
    else this.#number(value);
    return this.#numbersLeft === 0;
  }

  #number(value: number): void {
    this.#numbersLeft--;
    if (this.#offset === undefined) {
      this.#offset = value;
      return;
    }
    this.map.add(this.#offset, value);
    this.#offset = undefined;
  }

  #malformed(): PermanentError {
    return corrupt(`the map of its sparse file ${quote(this.#name)} is malformed`);
  }
}

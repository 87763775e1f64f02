/**
 * The end of a zip archive: the central directory, which must list just what was found, and tells of each entry what its local header
 * cannot: mode, and whether it is a symbolic link.
 */
import { AttemptFailedError, PermanentError } from '../../sdk/errors.ts';
import { quote } from './entry-name.ts';
import { corrupt, isZero } from './tar-header.ts';
import { CENTRAL_HEADER, type CentralHeader, centralLength, readCentral, readSize64, signature } from './zip-header.ts';
import type { FoundMember, ZipLedger } from './zip-ledger.ts';

const NEEDS_MORE = -1;
const END = 22;
const END64 = 56;
const END64_LOCATOR = 20;

/** Gets what the directory says of each entry. */
export type OnListed = (member: FoundMember, mode: number) => void;

/** Where the directory is, as its end records say. */
interface Extent {
  readonly count: number;
  readonly size: number;
  readonly offset: number;
}

export class ZipDirectory {
  readonly #ledger: ZipLedger;
  readonly #onListed: OnListed;
  readonly #start: number;
  #end: number | undefined;
  #end64: { readonly at: number; readonly extent: Extent } | undefined;
  #commentLeft: number | undefined;

  /** @param start where in the archive the directory begins. */
  constructor(ledger: ZipLedger, start: number, onListed: OnListed) {
    this.#ledger = ledger;
    this.#start = start;
    this.#onListed = onListed;
  }

  /**
   * Takes one record.
   * @param position of `at` in the archive.
   * @returns its length; -1 where it has not come whole.
   * @throws PermanentError `ArchiveCorrupt`, `UnsupportedEntry`.
   */
  read(input: Buffer, at: number, position: number): number {
    const available = input.length - at;
    if (this.#commentLeft !== undefined) return this.#readComment(input, at);
    if (available < 4) return NEEDS_MORE;
    const kind = input.readUInt32LE(at);
    const length = lengthOf(kind, input, at);
    if (length > available) return NEEDS_MORE;
    if (kind !== signature.central) this.#end ??= position;
    switch (kind) {
      case signature.central:
        this.#list(readCentral(input, at));
        break;
      case signature.end64:
        this.#readEnd64(input, at, position);
        break;
      case signature.end64Locator:
        if (readSize64(input, at + 8) !== this.#end64?.at) throw misplaced();
        break;
      case signature.end:
        this.#readEnd(input, at);
        break;
      default:
        break;
    }
    return length;
  }

  /** @throws AttemptFailedError `SourceTruncated` where the last record has not come whole. */
  finish(): void {
    if (this.#commentLeft === 0) return;
    throw new AttemptFailedError('SourceTruncated', 'The archive ends before the end of its central directory.');
  }

  #list(header: CentralHeader): void {
    const member = this.#ledger.take(header.offset);
    for (const field of ['name', 'method', 'crc', 'compressedSize', 'size'] as const) {
      if (member[field] === header[field]) continue;
      throw corrupt(`its central directory differs from the entry ${quote(member.name)} in its ${WORDS[field]}`);
    }
    this.#onListed(member, header.mode);
  }

  #readEnd64(input: Buffer, at: number, position: number): void {
    if (input.readUInt32LE(at + 16) !== 0 || input.readUInt32LE(at + 20) !== 0) throw inSeveralParts();
    const extent = {
      count: readSize64(input, at + 32),
      size: readSize64(input, at + 40),
      offset: readSize64(input, at + 48),
    };
    this.#end64 = { at: position, extent };
  }

  #readEnd(input: Buffer, at: number): void {
    if (input.readUInt32LE(at + 4) !== 0) throw inSeveralParts();
    this.#checkExtent({
      count: input.readUInt16LE(at + 10),
      size: input.readUInt32LE(at + 12),
      offset: input.readUInt32LE(at + 16),
    });
    this.#commentLeft = input.readUInt16LE(at + 20);
  }

  /** A field of all ones is in the zip64 record. */
  #checkExtent(plain: Extent): void {
    const big = this.#end64?.extent;
    const count = plain.count === 0xffff && big !== undefined ? big.count : plain.count;
    const size = plain.size === 0xffffffff && big !== undefined ? big.size : plain.size;
    const offset = plain.offset === 0xffffffff && big !== undefined ? big.offset : plain.offset;
    if (this.#ledger.unlisted > 0) throw corrupt(`its central directory lacks ${this.#ledger.unlisted} of its entries`);
    if (count !== this.#ledger.count) throw corrupt(`it announces ${count} entries, and has ${this.#ledger.count}`);
    if (offset !== this.#start || offset + size !== this.#end) throw misplaced();
  }

  /** Behind the comment there may be padding: some programs fill the last block of what they write. */
  #readComment(input: Buffer, at: number): number {
    const available = input.length - at;
    const left = this.#commentLeft ?? 0;
    if (left === 0 && !isZero(input.subarray(at))) throw corrupt('data follows its end');
    const length = left === 0 ? available : Math.min(available, left);
    this.#commentLeft = Math.max(0, left - length);
    return length;
  }
}

/** @returns the length of a record as far as its beginning tells: at least that of its fixed part. */
function lengthOf(kind: number, input: Buffer, at: number): number {
  const available = input.length - at;
  switch (kind) {
    case signature.central:
      return available < CENTRAL_HEADER ? CENTRAL_HEADER : centralLength(input, at);
    case signature.digitalSignature:
      return available < 6 ? 6 : 6 + input.readUInt16LE(at + 4);
    case signature.end64:
      return available < END64 ? END64 : end64Length(input, at);
    case signature.end64Locator:
      return END64_LOCATOR;
    case signature.end:
      return END;
    default:
      throw corrupt('its central directory holds an unknown record');
  }
}

function end64Length(input: Buffer, at: number): number {
  const length = 12 + readSize64(input, at + 4);
  if (length < END64 || length > MAX_END64) throw corrupt('the end record of its central directory is malformed');
  return length;
}

/** Far more than any writer puts there. */
const MAX_END64 = 64 * 1024;

const WORDS: Readonly<Record<'name' | 'method' | 'crc' | 'compressedSize' | 'size', string>> = {
  name: 'name',
  method: 'method',
  crc: 'checksum',
  compressedSize: 'compressed size',
  size: 'size',
};

function misplaced(): PermanentError {
  return corrupt('its central directory is not where it says');
}

function inSeveralParts(): PermanentError {
  return new PermanentError(
    'UnsupportedEntry',
    'The archive comes in several parts; only whole zip archives are supported.',
  );
}

/** One header block of a tar archive: POSIX.1-1988 ustar, with GNU's base-256 numbers. */
import { PermanentError } from '../../sdk/errors.ts';

export const BLOCK_SIZE = 512;

/**
 * A name or link target as the archive has it, one character per byte (latin1). Archives do not say which encoding their names have, and
 * neither do Linux file systems: so a name goes from one to the other byte by byte, and is decoded for messages only.
 */
export type ByteString = string;

export interface TarHeader {
  readonly name: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** One character; a NUL is the '0' of archives older than POSIX. */
  readonly typeFlag: string;
  readonly linkName: ByteString;
}

/** True for a block whose own checksum holds, and for a block of zeros (an empty archive begins with one). */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < BLOCK_SIZE) return false;
  return checksumHolds(block, viewOf(block), 0) || isZero(block.subarray(0, BLOCK_SIZE));
}

export function isZero(bytes: Buffer): boolean {
  // Nearly all that is no zero shows it in its first byte; the rest is compared by memcmp.
  if (bytes[0] !== 0) return bytes.length === 0;
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const piece = bytes.subarray(at, at + ZEROS.length);
    if (!piece.equals(ZEROS.subarray(0, piece.length))) return false;
  }
  return true;
}

const ZEROS = Buffer.alloc(64 * 1024);

/** The same memory, for reading it a word at a time. */
export function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}

/**
 * @param view of the buffer.
 * @param at where the block begins in the buffer; the memory is not kept.
 * @throws PermanentError `ArchiveCorrupt` where the block is no header, or a number in it is none.
 */
export function decodeHeader(buffer: Buffer, view: DataView, at: number): TarHeader {
  if (!checksumHolds(buffer, view, at)) throw corrupt('a header does not match its checksum');
  return {
    name: fullName(buffer, at),
    mode: decodeNumber(buffer, at + 100, 8, 'mode') & 0o7777,
    uid: decodeNumber(buffer, at + 108, 8, 'uid'),
    gid: decodeNumber(buffer, at + 116, 8, 'gid'),
    size: decodeNumber(buffer, at + 124, 12, 'size'),
    mtime: decodeNumber(buffer, at + 136, 12, 'mtime'),
    typeFlag: String.fromCharCode(buffer[at + 156] || ZERO),
    linkName: text(buffer, at + 157, 100),
  };
}

export function corrupt(what: string): PermanentError {
  return new PermanentError('ArchiveCorrupt', `The archive is damaged: ${what}.`);
}

/** Up to the first NUL. */
export function cString(value: Buffer): ByteString {
  return text(value, 0, value.length);
}

const ZERO = 0x30;
const SEVEN = 0x37;
const SPACE = 0x20;
/** "ustar" and a NUL: POSIX. GNU's old format has two spaces behind it, and other things where POSIX has the prefix. */
const POSIX_MAGIC = [0x75, 0x73, 0x74, 0x61, 0x72, 0];

function fullName(buffer: Buffer, at: number): ByteString {
  const name = text(buffer, at, 100);
  if (buffer[at + 345] === 0 || POSIX_MAGIC.some((byte, index) => buffer[at + 257 + index] !== byte)) return name;
  return `${text(buffer, at + 345, 155)}/${name}`;
}

function text(buffer: Buffer, from: number, length: number): ByteString {
  let end = from;
  while (end < from + length && buffer[end] !== 0) end++;
  return end === from ? '' : buffer.toString('latin1', from, end);
}

/**
 * A number field: octal digits between spaces, up to a NUL or the field's end, or GNU's base-256. An empty field is 0.
 * @throws PermanentError `ArchiveCorrupt`.
 */
export function decodeNumber(buffer: Buffer, from: number, length: number, field: string): number {
  if (((buffer[from] ?? 0) & 0x80) !== 0) return base256(buffer.subarray(from, from + length), field);
  const end = from + length;
  let at = from;
  while (at < end && buffer[at] === SPACE) at++;
  let value = 0;
  for (let byte = buffer[at] ?? 0; at < end && byte >= ZERO && byte <= SEVEN; byte = buffer[++at] ?? 0) {
    value = value * 8 + byte - ZERO;
  }
  while (at < end && buffer[at] === SPACE) at++;
  if (at < end && buffer[at] !== 0) throw corrupt(`the field "${field}" of a header is not a number`);
  return value;
}

/** GNU: the first bit marks the format, the rest is a two's complement number, most significant byte first. */
function base256(value: Buffer, field: string): number {
  let result = BigInt.asIntN(7, BigInt((value[0] ?? 0) & 0x7f));
  for (const byte of value.subarray(1)) result = (result << 8n) | BigInt(byte);
  if (result > BigInt(Number.MAX_SAFE_INTEGER) || result < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw corrupt(`the field "${field}" of a header is beyond all sizes`);
  }
  return Number(result);
}

/** Old programs summed signed bytes; both sums are accepted, as every tar does. */
function checksumHolds(buffer: Buffer, view: DataView, at: number): boolean {
  const recorded = recordedChecksum(buffer, at + 148);
  if (recorded === -1) return false;
  const unsigned = sum(view, at, BLOCK_SIZE) - sum(view, at + 148, 8) + 8 * SPACE;
  return recorded === unsigned || recorded === unsigned - 256 * highBytes(buffer, at);
}

/** Of bytes, four at a time: two lanes of 16 bits, which 512 bytes cannot overflow. */
function sum(view: DataView, from: number, length: number): number {
  let lanes = 0;
  for (let at = from; at < from + length; at += 4) {
    const word = view.getUint32(at);
    lanes = (lanes + (word & 0x00ff00ff) + ((word >>> 8) & 0x00ff00ff)) | 0;
  }
  return (lanes & 0xffff) + (lanes >>> 16);
}

/** Bytes that count 256 less where they are summed as signed ones. */
function highBytes(buffer: Buffer, at: number): number {
  let count = 0;
  for (let index = at; index < at + BLOCK_SIZE; index++) {
    if ((buffer[index] ?? 0) > 127 && (index < at + 148 || index >= at + 156)) count++;
  }
  return count;
}

/** -1 where the field holds no octal number. */
function recordedChecksum(buffer: Buffer, from: number): number {
  let at = from;
  while (at < from + 8 && buffer[at] === SPACE) at++;
  const first = at;
  let value = 0;
  for (let byte = buffer[at] ?? 0; at < from + 8 && byte >= ZERO && byte <= SEVEN; byte = buffer[++at] ?? 0) {
    value = value * 8 + byte - ZERO;
  }
  const terminated = at === from + 8 || buffer[at] === 0 || buffer[at] === SPACE;
  return at > first && terminated ? value : -1;
}

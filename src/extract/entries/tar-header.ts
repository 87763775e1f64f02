/** One header block of a tar archive: POSIX.1-1988 ustar, with GNU's base-256 numbers. */
import { PermanentError } from '../../sdk/index.ts';

export const BLOCK_SIZE = 512;

/**
 * A name or link target as the archive has it, one character per byte (latin1). Archives do not say which encoding their names have, and
 * neither do Linux file systems: so a name goes from one to the other byte by byte, and is decoded for messages only.
 */
export type ByteString = string;

export interface TarHeader {
  readonly name: ByteString;
  readonly mode: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly typeFlag: string;
  readonly linkName: ByteString;
}

const fields = {
  name: [0, 100],
  mode: [100, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  typeFlag: [156, 1],
  linkName: [157, 100],
  magic: [257, 6],
  prefix: [345, 155],
} as const;
type Field = keyof typeof fields;

/** True for a block whose own checksum holds, and for a block of zeros (an empty archive begins with one). */
export function isTarHeader(block: Buffer): boolean {
  return block.length >= BLOCK_SIZE && (isZero(block) || checksumHolds(block));
}

export function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

/** @throws PermanentError `ArchiveCorrupt` where the block is no header, or a number in it is none. */
export function decodeHeader(block: Buffer): TarHeader {
  if (!checksumHolds(block)) throw corrupt('a header does not match its checksum');
  const name = text(block, 'name');
  // GNU's old format has other things where POSIX has the prefix, and another magic.
  const prefix = text(block, 'magic') === 'ustar' && bytes(block, 'magic')[5] === 0 ? text(block, 'prefix') : '';
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: number(block, 'mode'),
    size: number(block, 'size'),
    mtime: number(block, 'mtime'),
    typeFlag: text(block, 'typeFlag'),
    linkName: text(block, 'linkName'),
  };
}

export function corrupt(what: string): PermanentError {
  return new PermanentError('ArchiveCorrupt', `The archive is damaged: ${what}.`);
}

function bytes(block: Buffer, field: Field): Buffer {
  const [offset, length] = fields[field];
  return block.subarray(offset, offset + length);
}

/** Up to the first NUL. */
export function cString(value: Buffer): ByteString {
  const end = value.indexOf(0);
  return value.toString('latin1', 0, end === -1 ? value.length : end);
}

function text(block: Buffer, field: Field): ByteString {
  return cString(bytes(block, field));
}

function number(block: Buffer, field: Field): number {
  const value = bytes(block, field);
  const first = value[0] ?? 0;
  if ((first & 0x80) !== 0) return base256(value, field);
  const digits = cString(value).trim();
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) throw corrupt(`the field "${field}" of a header is not a number`);
  return Number.parseInt(digits, 8);
}

/** GNU: the first bit marks the format, the rest is a two's complement number, most significant byte first. */
function base256(value: Buffer, field: Field): number {
  let result = BigInt.asIntN(7, BigInt((value[0] ?? 0) & 0x7f));
  for (const byte of value.subarray(1)) result = (result << 8n) | BigInt(byte);
  if (result > BigInt(Number.MAX_SAFE_INTEGER) || result < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw corrupt(`the field "${field}" of a header is beyond all sizes`);
  }
  return Number(result);
}

/** Old programs summed signed bytes; both sums are accepted, as every tar does. */
function checksumHolds(block: Buffer): boolean {
  const digits = cString(bytes(block, 'checksum')).trim();
  if (!/^[0-7]+$/.test(digits)) return false;
  const [offset, length] = fields.checksum;
  let unsigned = 0;
  let signed = 0;
  for (let index = 0; index < BLOCK_SIZE; index++) {
    const byte = index >= offset && index < offset + length ? 0x20 : (block[index] ?? 0);
    unsigned += byte;
    signed += (byte << 24) >> 24;
  }
  const recorded = Number.parseInt(digits, 8);
  return recorded === unsigned || recorded === signed;
}

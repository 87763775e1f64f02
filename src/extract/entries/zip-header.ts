/** The records of a zip archive, byte by byte: PKWARE's APPNOTE 6.3.10. */
import { isUtf8 } from 'node:buffer';
import { cp437ToUtf8 } from './cp437.ts';
import { unsupported } from './entry-name.ts';
import { type ByteString, corrupt } from './tar-header.ts';
import { readExtra } from './zip-extra.ts';

export const signature = {
  local: 0x04034b50,
  descriptor: 0x08074b50,
  central: 0x02014b50,
  digitalSignature: 0x05054b50,
  end64: 0x06064b50,
  end64Locator: 0x07064b50,
  end: 0x06054b50,
} as const;

export const LOCAL_HEADER = 30;
export const CENTRAL_HEADER = 46;

const ENCRYPTED = 1;
const SIZES_BEHIND = 8;
const PATCH = 32;
const STRONG_ENCRYPTION = 64;
const UTF8 = 2048;
const MASKED_HEADER = 8192;
/** A 32-bit field whose value is in the zip64 extra field. */
const IN_ZIP64 = 0xffffffff;

export const method = { stored: 0, deflate: 8, zstd: 93 } as const;

/** What local and central headers both say. */
export interface ZipMember {
  readonly name: ByteString;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
}

export interface LocalHeader extends ZipMember {
  /** Checksum and sizes are not here, but in a record behind the data. */
  readonly sizesBehind: boolean;
  /** That record has sizes of 8 bytes. */
  readonly isZip64: boolean;
  readonly mtime: number;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

export interface CentralHeader extends ZipMember {
  /** Where the local header is. */
  readonly offset: number;
  /** Of Unix, type bits included; 0 where the writer had none. */
  readonly mode: number;
}

/** Whether a zip archive begins so: with an entry, or with the end of an empty one. */
export function isZipStart(head: Buffer): boolean {
  if (head.length < 4) return false;
  const first = head.readUInt32LE(0);
  return first === signature.local || first === signature.end;
}

/** @returns the header's length with its name and extra fields. */
export function localLength(input: Buffer, at: number): number {
  return LOCAL_HEADER + input.readUInt16LE(at + 26) + input.readUInt16LE(at + 28);
}

/** @throws PermanentError `ArchiveCorrupt`, `UnsupportedEntry` for what is encrypted or packed by a method that is not supported. */
export function readLocal(input: Buffer, at: number): LocalHeader {
  const nameEnd = at + LOCAL_HEADER + input.readUInt16LE(at + 26);
  const rawName = input.subarray(at + LOCAL_HEADER, nameEnd);
  const flags = input.readUInt16LE(at + 6);
  const extra = readExtra(input.subarray(nameEnd, at + localLength(input, at)), rawName);
  const name = nameOf(rawName, flags, extra.unicodeName);
  if ((flags & (ENCRYPTED | STRONG_ENCRYPTION | MASKED_HEADER)) !== 0) throw unsupported(name, 'is encrypted');
  if ((flags & PATCH) !== 0) throw unsupported(name, 'is a patch to some other file');
  const zip64 = zip64Values(extra.zip64);
  return {
    name,
    method: supportedMethod(input.readUInt16LE(at + 8), name),
    crc: input.readUInt32LE(at + 14),
    // The order of the zip64 field, not of the header.
    size: zip64.value(input.readUInt32LE(at + 22)),
    compressedSize: zip64.value(input.readUInt32LE(at + 18)),
    sizesBehind: (flags & SIZES_BEHIND) !== 0,
    isZip64: extra.zip64 !== undefined,
    mtime: extra.mtime ?? dosTime(input.readUInt16LE(at + 12), input.readUInt16LE(at + 10)),
    uid: extra.uid,
    gid: extra.gid,
  };
}

/** @returns the header's length with its name, extra fields and comment. */
export function centralLength(input: Buffer, at: number): number {
  const lengths = [at + 28, at + 30, at + 32].map((place) => input.readUInt16LE(place));
  return lengths.reduce((sum, length) => sum + length, CENTRAL_HEADER);
}

const UNIX_SYSTEMS: ReadonlySet<number> = new Set([3, 19]);

/** @throws PermanentError `ArchiveCorrupt`. */
export function readCentral(input: Buffer, at: number): CentralHeader {
  const nameEnd = at + CENTRAL_HEADER + input.readUInt16LE(at + 28);
  const rawName = input.subarray(at + CENTRAL_HEADER, nameEnd);
  const extra = readExtra(input.subarray(nameEnd, nameEnd + input.readUInt16LE(at + 30)), rawName);
  const zip64 = zip64Values(extra.zip64);
  return {
    name: nameOf(rawName, input.readUInt16LE(at + 8), extra.unicodeName),
    method: input.readUInt16LE(at + 10),
    crc: input.readUInt32LE(at + 16),
    size: zip64.value(input.readUInt32LE(at + 24)),
    compressedSize: zip64.value(input.readUInt32LE(at + 20)),
    offset: zip64.value(input.readUInt32LE(at + 42)),
    mode: UNIX_SYSTEMS.has(input.readUInt8(at + 5)) ? input.readUInt16LE(at + 40) : 0,
  };
}

/** @throws PermanentError `ArchiveCorrupt` for numbers beyond all sizes. */
export function readSize64(input: Buffer, at: number): number {
  const value = Number(input.readBigUInt64LE(at));
  if (!Number.isSafeInteger(value)) throw corrupt('a size in a zip header is beyond all sizes');
  return value;
}

/** Takes the zip64 field's values in turn, each where its own field says so. */
function zip64Values(field: Buffer | undefined): { value(plain: number): number } {
  let at = 0;
  return {
    value(plain) {
      // A size may be all ones by chance in an archive that has no zip64.
      if (plain !== IN_ZIP64 || field === undefined) return plain;
      if (at + 8 > field.length) throw corrupt('a zip64 field lacks a size');
      at += 8;
      return readSize64(field, at - 8);
    },
  };
}

function nameOf(raw: Buffer, flags: number, unicodeName: ByteString | undefined): ByteString {
  if (raw.length === 0) throw corrupt('an entry has no name');
  if (unicodeName !== undefined) return unicodeName;
  // Programs of Unix write UTF-8 without saying so; it is hardly ever anything else by chance.
  return (flags & UTF8) !== 0 || isUtf8(raw) ? raw.toString('latin1') : cp437ToUtf8(raw);
}

const METHODS: ReadonlySet<number> = new Set(Object.values(method));

function supportedMethod(number: number, name: ByteString): number {
  if (METHODS.has(number)) return number;
  throw unsupported(name, `is packed by method ${number}; stored, deflate and zstd are supported`);
}

/** Local time of nobody knows where: taken as UTC. */
function dosTime(date: number, time: number): number {
  const [year, month, day] = [1980 + (date >> 9), (date >> 5) & 15, date & 31];
  return Date.UTC(year, month - 1, day, time >> 11, (time >> 5) & 63, (time & 31) * 2) / 1000;
}

/** The extra fields of zip headers: what did not fit into the format of 1989. */
import { crc32 } from 'node:zlib';
import { type ByteString, corrupt } from './tar-header.ts';

export interface ZipExtra {
  /** Of zip64: the values whose 32-bit fields are all ones, in the order of the format. */
  readonly zip64: Buffer | undefined;
  /** Seconds since 1970. */
  readonly mtime: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** The name in UTF-8, where the header has it in some other encoding. */
  readonly unicodeName: ByteString | undefined;
}

const ZIP64 = 0x0001;
const NTFS = 0x000a;
const TIMESTAMP = 0x5455;
const UNIX_OLD = 0x5855;
const UNICODE_PATH = 0x7075;
const UNIX_OWNER = 0x7875;

const NOTHING: ZipExtra = {
  zip64: undefined,
  mtime: undefined,
  uid: undefined,
  gid: undefined,
  unicodeName: undefined,
};

/** @throws PermanentError `ArchiveCorrupt` where a field is longer than what is there. */
export function readExtra(data: Buffer, headerName: Buffer): ZipExtra {
  if (data.length === 0) return NOTHING;
  const fields = fieldsOf(data);
  const owner = unixOwner(fields.get(UNIX_OWNER));
  return {
    zip64: fields.get(ZIP64),
    mtime: timestamp(fields.get(TIMESTAMP)) ?? ntfsTime(fields.get(NTFS)) ?? oldTime(fields.get(UNIX_OLD)),
    uid: owner?.uid,
    gid: owner?.gid,
    unicodeName: unicodeName(fields.get(UNICODE_PATH), headerName),
  };
}

function fieldsOf(data: Buffer): ReadonlyMap<number, Buffer> {
  const fields = new Map<number, Buffer>();
  // Some writers pad with up to three bytes, which hold no field.
  for (let at = 0; at + 4 <= data.length; ) {
    const end = at + 4 + data.readUInt16LE(at + 2);
    if (end > data.length) throw corrupt('an extra field of a zip header is cut');
    fields.set(data.readUInt16LE(at), data.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** Info-ZIP: the first bit of the first byte says that the modification time follows. */
function timestamp(field: Buffer | undefined): number | undefined {
  return field !== undefined && field.length >= 5 && (field.readUInt8(0) & 1) !== 0 ? field.readInt32LE(1) : undefined;
}

function oldTime(field: Buffer | undefined): number | undefined {
  return field !== undefined && field.length >= 8 ? field.readInt32LE(4) : undefined;
}

const SECONDS_FROM_1601_TO_1970 = 11_644_473_600;

/** 100-nanosecond steps since 1601, in the attribute 1 of the field. */
function ntfsTime(field: Buffer | undefined): number | undefined {
  if (field === undefined || field.length < 16 || field.readUInt16LE(4) !== 1) return undefined;
  return Number(field.readBigUInt64LE(8)) / 1e7 - SECONDS_FROM_1601_TO_1970;
}

/** Info-ZIP: a version, and two numbers, each behind its length. */
function unixOwner(field: Buffer | undefined): { readonly uid: number; readonly gid: number } | undefined {
  if (field === undefined || field.length < 3 || field.readUInt8(0) !== 1) return undefined;
  const uidLength = field.readUInt8(1);
  const gidLength = field[2 + uidLength] ?? 0;
  if (!OWNER_LENGTHS.has(uidLength) || !OWNER_LENGTHS.has(gidLength) || field.length < 3 + uidLength + gidLength) {
    return undefined;
  }
  return { uid: field.readUIntLE(2, uidLength), gid: field.readUIntLE(3 + uidLength, gidLength) };
}

const OWNER_LENGTHS: ReadonlySet<number> = new Set([1, 2, 4]);

/** It counts only where it was made for the name that the header has: another program may have renamed the entry since. */
function unicodeName(field: Buffer | undefined, headerName: Buffer): ByteString | undefined {
  if (field === undefined || field.length < 6 || field.readUInt8(0) !== 1) return undefined;
  return field.readUInt32LE(1) === crc32(headerName) ? field.toString('latin1', 5) : undefined;
}

/** Zip archives whose records say what the test wants: nothing is checked or repaired. */
import { crc32, deflateRawSync, zstdCompressSync } from 'node:zlib';

export interface RawMember {
  readonly name: string | Buffer;
  readonly data?: Buffer | string;
  /** 0 stored (default), 8 deflate, 93 zstd; others as they are. */
  readonly method?: number;
  /** Unix mode with its type bits; the archive claims to come from Unix where it is given. */
  readonly mode?: number;
  readonly flags?: number;
  /** Sizes and checksum stand in a record behind the data. */
  readonly descriptor?: 'signed' | 'plain' | 'signed64';
  readonly localExtra?: Buffer;
  readonly centralExtra?: Buffer;
  /** What the local header says instead of the truth. */
  readonly local?: Partial<Fields>;
  /** What the central directory says instead. */
  readonly central?: Partial<Fields & { readonly offset: number; readonly name: string }>;
  /** It is left out of the central directory. */
  readonly unlisted?: boolean;
}

interface Fields {
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
}

export interface ZipOptions {
  readonly comment?: string;
  readonly count?: number;
  readonly directorySize?: number;
  readonly directoryOffset?: number;
  readonly reverse?: boolean;
  readonly zip64?: boolean;
  /** Zeros behind the end. */
  readonly padding?: number;
}

const DESCRIPTOR_FLAG = 8;
const UTF8_FLAG = 2048;

export function zip(members: readonly RawMember[], options: ZipOptions = {}): Buffer {
  let offset = 0;
  const locals = members.map((member) => {
    const bytes = localMember(member);
    const at = offset;
    offset += bytes.length;
    return { member, bytes, at };
  });
  const listed = locals.filter(({ member }) => member.unlisted !== true);
  if (options.reverse === true) listed.reverse();
  const directory = Buffer.concat(listed.map(({ member, at }) => centralMember(member, at)));
  const count = options.count ?? listed.length;
  const size = options.directorySize ?? directory.length;
  const at = options.directoryOffset ?? offset;
  const end = options.zip64 === true ? zip64End(count, size, at, offset + directory.length) : Buffer.alloc(0);
  const comment = options.comment ?? '';
  return Buffer.concat([
    ...locals.map(({ bytes }) => bytes),
    directory,
    end,
    record(
      [0x06054b50, 4],
      [0, 2],
      [0, 2],
      [end.length > 0 ? 0xffff : count, 2],
      [end.length > 0 ? 0xffff : count, 2],
      [end.length > 0 ? 0xffffffff : size, 4],
      [end.length > 0 ? 0xffffffff : at, 4],
      [comment.length, 2],
    ),
    Buffer.from(comment),
    Buffer.alloc(options.padding ?? 0),
  ]);
}

/** One member with its local header, as it stands in the archive. */
export function localMember(member: RawMember): Buffer {
  const { name, packed, truth } = parts(member);
  const hidden = member.descriptor !== undefined ? { crc: 0, compressedSize: 0, size: 0 } : truth;
  const { crc, compressedSize, size } = { ...hidden, ...member.local };
  const extra = member.localExtra ?? Buffer.alloc(0);
  return Buffer.concat([
    record(
      [0x04034b50, 4],
      [20, 2],
      [flagsOf(member), 2],
      [member.method ?? 0, 2],
      [0x6000, 2],
      [0x5721, 2],
      [crc, 4],
      [compressedSize, 4],
      [size, 4],
      [name.length, 2],
      [extra.length, 2],
    ),
    name,
    extra,
    packed,
    descriptor(member, truth),
  ]);
}

function centralMember(member: RawMember, at: number): Buffer {
  const { name: truthName, truth } = parts(member);
  const { crc, compressedSize, size, offset, name } = { ...truth, offset: at, name: truthName, ...member.central };
  const extra = member.centralExtra ?? Buffer.alloc(0);
  const host = member.mode === undefined ? 0 : 3;
  const nameBytes = Buffer.from(name);
  return Buffer.concat([
    record(
      [0x02014b50, 4],
      [20 | (host << 8), 2],
      [20, 2],
      [flagsOf(member), 2],
      [member.method ?? 0, 2],
      [0x6000, 2],
      [0x5721, 2],
      [crc, 4],
      [compressedSize, 4],
      [size, 4],
      [nameBytes.length, 2],
      [extra.length, 2],
      [0, 2],
      [0, 2],
      [0, 2],
      [((member.mode ?? 0) << 16) >>> 0, 4],
      [offset, 4],
    ),
    nameBytes,
    extra,
  ]);
}

function zip64End(count: number, size: number, offset: number, at: number): Buffer {
  return Buffer.concat([
    record([0x06064b50, 4], [44, 8], [45, 2], [45, 2], [0, 4], [0, 4], [count, 8], [count, 8], [size, 8], [offset, 8]),
    record([0x07064b50, 4], [0, 4], [at, 8], [1, 4]),
  ]);
}

function parts(member: RawMember) {
  const data = Buffer.from(member.data ?? '');
  const packed = pack(data, member.method ?? 0);
  const truth: Fields = { crc: crc32(data), compressedSize: packed.length, size: data.length };
  return { name: Buffer.from(member.name), packed, truth };
}

function pack(data: Buffer, method: number): Buffer {
  if (method === 8) return deflateRawSync(data);
  return method === 93 ? zstdCompressSync(data) : data;
}

function flagsOf({ name, flags, descriptor: behind }: RawMember): number {
  const utf8 = typeof name === 'string' && Buffer.byteLength(name) !== name.length ? UTF8_FLAG : 0;
  return flags ?? utf8 | (behind === undefined ? 0 : DESCRIPTOR_FLAG);
}

function descriptor({ descriptor: form }: RawMember, { crc, compressedSize, size }: Fields): Buffer {
  switch (form) {
    case 'plain':
      return record([crc, 4], [compressedSize, 4], [size, 4]);
    case 'signed':
      return record([0x08074b50, 4], [crc, 4], [compressedSize, 4], [size, 4]);
    case 'signed64':
      return record([0x08074b50, 4], [crc, 4], [compressedSize, 8], [size, 8]);
    default:
      return Buffer.alloc(0);
  }
}

/** Little-endian numbers, each with its width in bytes. */
export function record(...fields: readonly (readonly [value: number, width: 2 | 4 | 8])[]): Buffer {
  return Buffer.concat(
    fields.map(([value, width]) => {
      const bytes = Buffer.alloc(width);
      if (width === 8) bytes.writeBigUInt64LE(BigInt(value));
      else bytes.writeUIntLE(value, 0, width);
      return bytes;
    }),
  );
}

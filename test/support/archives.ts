/** Archives for tests: honest ones from a list of files, and raw ones whose headers lie as told. */
import { gzipSync } from 'node:zlib';

const BLOCK = 512;

/** A ustar header and its data, exactly as given: nothing is checked or repaired. */
export interface RawEntry {
  readonly name: string | Buffer;
  /** Type flag: '0' file (default), '1' hard link, '2' symbolic link, '5' directory, 'x' extended header, 'L' long name … */
  readonly type?: string;
  readonly linkName?: string | Buffer;
  readonly data?: Buffer | string;
  readonly mode?: number;
  /** Of number fields a Buffer is written as it is. */
  readonly uid?: number | Buffer;
  readonly gid?: number | Buffer;
  /** Seconds. */
  readonly mtime?: number | Buffer;
  /** The size field, where it is not the data's length. */
  readonly size?: number | Buffer;
  /** A checksum field that does not hold. */
  readonly badChecksum?: boolean;
}

export const endOfArchive = Buffer.alloc(2 * BLOCK);

/** The entries and the end-of-archive marker. */
export function tar(entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.map(rawEntry), endOfArchive]);
}

export function tarGz(entries: readonly RawEntry[]): Buffer {
  return gzipSync(tar(entries));
}

export function rawEntry(entry: RawEntry): Buffer {
  const data = Buffer.from(entry.data ?? '');
  const header = Buffer.alloc(BLOCK);
  const put = (offset: number, value: string | Buffer) => Buffer.from(value).copy(header, offset);
  const octal = (value: number | Buffer, width: number) =>
    typeof value === 'number' ? `${value.toString(8).padStart(width - 1, '0')}\0` : value;
  put(0, entry.name);
  put(100, octal(entry.mode ?? (entry.type === '5' ? 0o755 : 0o644), 8));
  put(108, octal(entry.uid ?? 0, 8));
  put(116, octal(entry.gid ?? 0, 8));
  put(124, octal(entry.size ?? data.length, 12));
  put(136, octal(entry.mtime ?? 1_700_000_000, 12));
  put(148, ' '.repeat(8));
  put(156, entry.type ?? '0');
  put(157, entry.linkName ?? '');
  put(257, 'ustar\x0000');
  const sum = header.reduce((total, byte) => total + byte, entry.badChecksum === true ? 1 : 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return Buffer.concat([header, padded(data)]);
}

/** A pax extended header for the entry that follows. */
export function paxHeader(records: Readonly<Record<string, string>>): RawEntry {
  const data = Object.entries(records).map(([key, value]) => paxRecord(key, value));
  return { name: 'PaxHeaders/entry', type: 'x', data: data.join('') };
}

function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (Buffer.byteLength(`${length}${rest}`) !== length) length++;
  return `${length}${rest}`;
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)]);
}

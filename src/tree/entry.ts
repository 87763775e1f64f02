/** One name of a tree, as the system describes it. */
import { lstatSync, readlinkSync, type BigIntStats } from 'node:fs';
import { byteStringOf, bytesOf, type ByteString } from './bytes.ts';

export const entryTypes = ['file', 'directory', 'link', 'fifo', 'socket', 'blockDevice', 'characterDevice'] as const;
export type EntryType = (typeof entryTypes)[number];

export interface TreeEntry {
  /** From the tree's root, without a leading slash; the root itself is ''. */
  readonly path: ByteString;
  readonly type: EntryType;
  /** 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of a file, holes counted; 0 of all else. */
  readonly size: number;
  /** Nanoseconds since 1970, in decimal digits: beyond what a number holds. */
  readonly mtime: string;
  readonly ctime: string;
  readonly inode: string;
  /** Names of this file in its file system; 1 of directories. */
  readonly links: number;
  /** Of symbolic links. */
  readonly target?: ByteString;
  /** Of devices. */
  readonly device?: { readonly major: number; readonly minor: number };
}

/** What a file system itself puts into its root; no part of the data. */
export const OF_THE_FILE_SYSTEM: ReadonlySet<ByteString> = new Set(['lost+found']);

export function absolutePath(root: Buffer, path: ByteString): Buffer {
  return path === '' ? root : Buffer.concat([root, SEPARATOR, bytesOf(path)]);
}

const SEPARATOR = Buffer.from('/');

/** Undefined where there is nothing (any more). No link is followed. */
export function readEntry(root: Buffer, path: ByteString): TreeEntry | undefined {
  const absolute = absolutePath(root, path);
  const stats = lstatSync(absolute, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  const type = typeOf(stats);
  const target = type === 'link' ? readTarget(absolute) : undefined;
  if (type === 'link' && target === undefined) return undefined;
  return {
    path,
    type,
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: type === 'file' ? Number(stats.size) : 0,
    mtime: stats.mtimeNs.toString(),
    ctime: stats.ctimeNs.toString(),
    inode: stats.ino.toString(),
    links: type === 'directory' ? 1 : Number(stats.nlink),
    ...(target !== undefined && { target }),
    ...((type === 'blockDevice' || type === 'characterDevice') && { device: deviceOf(stats.rdev) }),
  };
}

/** The same file, and nobody has touched it in between. */
export function isUntouched(before: TreeEntry, now: TreeEntry): boolean {
  return (
    before.type === now.type &&
    before.size === now.size &&
    before.mtime === now.mtime &&
    before.ctime === now.ctime &&
    before.inode === now.inode
  );
}

function typeOf(stats: BigIntStats): EntryType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return stats.isBlockDevice() ? 'blockDevice' : 'characterDevice';
}

/** Undefined where it is gone, or no link any more. */
function readTarget(path: Buffer): ByteString | undefined {
  try {
    return byteStringOf(readlinkSync(path, { encoding: 'buffer' }));
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'EINVAL')) return undefined;
    throw error;
  }
}

/** The halves of Linux' dev_t, each spread over two places. */
function deviceOf(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & ~0xffn)),
  };
}

export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

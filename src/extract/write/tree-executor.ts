/**
 * Carries out the planner's steps below one directory, with synchronous calls: for many small files that is tens of times faster than one
 * trip to the thread pool per call.
 *
 * No call follows a link: files are made with O_EXCL and O_NOFOLLOW, and each directory of a path was made or looked at before.
 * The usual file takes four calls: open with its mode, write, futimes, close.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmdirSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { PermanentError } from '../../sdk/errors.ts';
import { hostile, quote, unsupported } from '../entries/entry-name.ts';
import type { ByteString } from '../entries/tar-header.ts';
import { codeOf } from '../error-code.ts';
import { type Attributes, setExtendedAttributes } from './extended-attributes.ts';
import { FoldedNames } from './name-folding.ts';
import type { DirectoryAttributes, FileAttributes, TreeCommands } from './tree-commands.ts';
import { volumeError } from './volume-error.ts';

export interface ExecutorOptions {
  readonly root: string;
  /** The directory may hold what no archive of this job put there: it gives way to what bears the same name. */
  readonly merge: boolean;
}

interface OpenFile {
  readonly fd: number;
  readonly name: ByteString;
}

const SETGID = 0o2000;
/** Bits that open(2) and mkdir(2) do not set reliably. */
const SPECIAL_BITS = 0o7000;
const NOTHING_THERE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);
const CREATE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export class TreeExecutor implements TreeCommands, Disposable {
  readonly #root: ByteString;
  readonly #merge: boolean;
  /** Mode bits that the process takes away from what it makes. */
  readonly #umask = process.umask();
  /** Owner and group that new files get of themselves. */
  readonly #uid = process.geteuid?.();
  readonly #gid: number | undefined;
  readonly #folded = new FoldedNames();
  #open: OpenFile | undefined;
  #replaced = 0;

  constructor({ root, merge }: ExecutorOptions) {
    this.#root = Buffer.from(root).toString('latin1');
    this.#merge = merge;
    this.#gid = inheritedGroup(root, merge);
  }

  /** Files of earlier entries that gave way to later ones. */
  get replaced(): number {
    return this.#replaced;
  }

  makeDirectory(name: ByteString, mode: number): void {
    onVolume(name, () => {
      const path = this.#path(name);
      try {
        mkdirSync(path, mode);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
        this.#refuseFolded(name);
        const isDirectory = lstatSync(path).isDirectory();
        if (isDirectory && this.#merge) return;
        if (isDirectory || !this.#merge) throw hostile(name, 'is a directory and a file at once');
        unlinkSync(path);
        mkdirSync(path, mode);
      }
    });
  }

  setAttributes(given: ReadonlyMap<ByteString, Attributes>): number {
    return setExtendedAttributes(Buffer.from(this.#root, 'latin1').toString(), given);
  }

  createFile(name: ByteString, mode: number): void {
    const fd = this.#create(name, (path) => openSync(path, CREATE_NEW, mode));
    this.#open = { fd, name };
  }

  write(bytes: Buffer, position: number | undefined): void {
    const { fd, name } = this.#opened();
    try {
      for (let offset = 0; offset < bytes.length; ) {
        const at = position === undefined ? null : position + offset;
        offset += writeSync(fd, bytes, offset, bytes.length - offset, at);
      }
    } catch (cause) {
      throw volumeError(name, cause);
    }
  }

  closeFile({ mode, mtime, uid, gid, size }: FileAttributes): void {
    const { fd, name } = this.#opened();
    try {
      if (size !== undefined) ftruncateSync(fd, size);
      const chown = this.#isForeign(uid, gid);
      if (chown) fchownSync(fd, uid ?? -1, gid ?? -1);
      // After the owner, whose change takes these bits away.
      if ((mode & (this.#umask | SPECIAL_BITS)) !== 0) fchmodSync(fd, mode);
      futimesSync(fd, time(mtime), time(mtime));
      this.#open = undefined;
      closeSync(fd);
    } catch (cause) {
      throw volumeError(name, cause);
    }
  }

  setMode(name: ByteString, mode: number): void {
    onVolume(name, () => {
      const fd = openSync(this.#path(name), constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        fchmodSync(fd, mode);
      } finally {
        closeSync(fd);
      }
    });
  }

  hardLink(name: ByteString, existing: ByteString): void {
    if (this.#look(existing)?.isFile() !== true) {
      throw hostile(name, 'is a hard link to something that is not a file before it in the archive');
    }
    this.#create(name, (path) => linkSync(this.#path(existing), path));
  }

  symbolicLink(name: ByteString, target: ByteString, { mtime, uid, gid }: FileAttributes): void {
    this.#create(name, (path) => {
      symlinkSync(onDisk(target), path);
      if (this.#isForeign(uid, gid)) lchownSync(path, uid ?? -1, gid ?? -1);
      lutimesSync(path, time(mtime), time(mtime));
    });
  }

  finishDirectory(name: ByteString, attributes: DirectoryAttributes): void {
    const { mode, mtime, uid, gid, modeGiven } = attributes;
    const asMade =
      modeGiven && !this.#merge && (mode & (this.#umask | SPECIAL_BITS)) === 0 && !this.#isForeign(uid, gid);
    onVolume(name, () => {
      const path = this.#path(name);
      if (!asMade) finishOpened(path, attributes);
      else if (mtime !== undefined) lutimesSync(path, time(mtime), time(mtime));
    });
  }

  /** Releases what a failed extraction left open. */
  [Symbol.dispose](): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  #path(name: ByteString): string | Buffer {
    return onDisk(`${this.#root}/${name}`);
  }

  #opened(): OpenFile {
    if (this.#open === undefined) throw new Error('no file of the archive is open');
    return this.#open;
  }

  #isForeign(uid: number | undefined, gid: number | undefined): boolean {
    return (uid !== undefined && uid !== this.#uid) || (gid !== undefined && gid !== this.#gid);
  }

  /** Makes something new at the name; a file that is there gives way. */
  #create<T>(name: ByteString, make: (path: string | Buffer) => T): T {
    const path = this.#path(name);
    try {
      const made = make(path);
      this.#folded.made(`${this.#root}/${name}`);
      return made;
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST') throw volumeError(name, cause);
    }
    return onVolume(name, () => {
      this.#makeWay(name, path);
      return make(path);
    });
  }

  #makeWay(name: ByteString, path: string | Buffer): void {
    const there = lstatSync(path);
    this.#refuseFolded(name);
    if (this.#merge) return removeExisting(name, path, there);
    if (!there.isFile()) throw hostile(name, 'is a directory and a file at once');
    unlinkSync(path);
    this.#replaced++;
  }

  /** What is there must not be another entry's that the file system takes for this one. */
  #refuseFolded(name: ByteString): void {
    const path = `${this.#root}/${name}`;
    const nameAt = path.lastIndexOf('/') + 1;
    if (!this.#folded.standsUnderAnotherName(path.slice(0, nameAt), path.slice(nameAt))) return;
    throw unsupported(
      name,
      "has a name that the volume's file system, which folds case or Unicode forms, takes for that of another file",
    );
  }

  #look(name: ByteString): Stats | undefined {
    try {
      return lstatSync(this.#path(name));
    } catch (error) {
      if (NOTHING_THERE.has(codeOf(error))) return undefined;
      throw volumeError(name, error);
    }
  }
}

/** The group bit that the volume's root passes on to directories stays. */
function finishOpened(path: string | Buffer, { mode, mtime, uid, gid }: DirectoryAttributes): void {
  const fd = openSync(path, OPEN_DIRECTORY);
  try {
    if (uid !== undefined || gid !== undefined) fchownSync(fd, uid ?? -1, gid ?? -1);
    fchmodSync(fd, mode | (fstatSync(fd).mode & SETGID));
    if (mtime !== undefined) futimesSync(fd, time(mtime), time(mtime));
  } finally {
    closeSync(fd);
  }
}

/** Never follows a link, and never takes a directory away that holds anything. */
function removeExisting(name: ByteString, path: string | Buffer, there: Stats): void {
  if (!there.isDirectory()) return unlinkSync(path);
  try {
    rmdirSync(path);
  } catch (cause) {
    if (codeOf(cause) !== 'ENOTEMPTY') throw cause;
    throw new PermanentError(
      'VolumeNotEmpty',
      `The volume holds a directory with content where the archive has the file ${quote(name)}; onExisting: clean would remove it.`,
      { cause },
    );
  }
}

/**
 * Group of files that are made below: the process's own, or the root's where it passes its group on.
 * Undefined where older directories may do as they like.
 */
function inheritedGroup(root: string, merge: boolean): number | undefined {
  if (merge) return undefined;
  const { mode, gid } = statSync(root);
  return (mode & SETGID) === 0 ? process.getegid?.() : gid;
}

/** Names are bytes; Node writes strings as UTF-8, which is the same for ASCII only. */
function onDisk(name: ByteString): string | Buffer {
  return BEYOND_ASCII.test(name) ? Buffer.from(name, 'latin1') : name;
}

const BEYOND_ASCII = /[\x80-\xff]/;

/** Node takes a negative number for the present time, its text for what it says. */
function time(seconds: number): number | string {
  return seconds < 0 ? String(seconds) : seconds;
}

function onVolume<T>(name: ByteString, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw volumeError(name, cause);
  }
}

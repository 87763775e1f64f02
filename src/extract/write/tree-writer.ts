/**
 * Writes the entries of an archive below one directory that nothing else writes to.
 *
 * While entries come in, only real directories and regular files exist on disk; symbolic links are made at the very end. So no write can
 * go through a link that the archive made, whatever the order of its entries, and the text of a name alone decides where it leads.
 * File system calls are synchronous: for many small files that is tens of times faster than one trip to the thread pool per call.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { hostile, leavesTarget, linkOnTheWay, quote, safeName } from '../entries/entry-name.ts';
import type { ByteString } from '../entries/tar-header.ts';
import { codeOf } from '../error-code.ts';
import { volumeError } from './volume-error.ts';

export interface Attributes {
  /** As the archive spells it. */
  readonly name: ByteString;
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
}

interface SymbolicLink {
  readonly target: ByteString;
  readonly attributes: Attributes;
}

interface OpenFile {
  readonly fd: number;
  readonly attributes: Attributes;
}

const FILE_MODES = 0o777;
const DIRECTORY_MODES = 0o1777;
const SETGID = 0o2000;
const NOTHING_THERE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);
const CREATE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export class TreeWriter implements Disposable {
  readonly #root: Buffer;
  readonly #made = new Set<string>(['']);
  readonly #directories = new Map<string, Attributes>();
  readonly #links = new Map<string, SymbolicLink>();
  #open: OpenFile | undefined;
  #files = 0;

  /** @param root an empty directory. */
  constructor(root: string) {
    this.#root = Buffer.from(root);
  }

  /** Files, hard links and symbolic links so far. */
  get files(): number {
    return this.#files;
  }

  openFile(attributes: Attributes): void {
    const name = this.#claimName(attributes.name);
    const fd = this.#create(name, (path) => openSync(path, CREATE_NEW, 0o600));
    this.#open = { fd, attributes };
    this.#files++;
  }

  write(data: Buffer): void {
    const { fd, attributes } = this.#opened();
    onVolume(attributes.name, () => {
      for (let offset = 0; offset < data.length; ) offset += writeSync(fd, data, offset);
    });
  }

  closeFile(): void {
    const { fd, attributes } = this.#opened();
    onVolume(attributes.name, () => {
      fchmodSync(fd, attributes.mode & FILE_MODES);
      futimesSync(fd, attributes.mtime, attributes.mtime);
      this.#open = undefined;
      closeSync(fd);
    });
  }

  directory(attributes: Attributes): void {
    const name = safeName(attributes.name);
    // Mode and owner of the target itself belong to whoever made it: a volume's root is shared through its fsGroup.
    if (name === '') return;
    this.#claim(attributes.name, name);
    this.#makeDirectory(name);
    this.#directories.set(name, attributes);
  }

  /** @param target name of a file that came before. */
  hardLink(attributes: Attributes, target: ByteString): void {
    const existing = safeName(target);
    this.#refuseLinkOnTheWay(attributes.name, existing);
    const symbolic = this.#links.get(existing);
    if (symbolic === undefined && !this.#isFile(existing)) {
      throw hostile(attributes.name, 'is a hard link to something that is not a file before it in the archive');
    }
    // A file that GNU tar was given twice is in the archive a second time as a link to itself.
    if (safeName(attributes.name) === existing) return;
    const name = this.#claimName(attributes.name);
    if (symbolic !== undefined) return this.#addLink(name, { ...symbolic, attributes });
    this.#create(name, (path) => linkSync(this.#path(existing), path));
    this.#files++;
  }

  symbolicLink(attributes: Attributes, target: ByteString): void {
    const name = this.#claimName(attributes.name);
    if (target === '' || target.includes('\0')) throw hostile(attributes.name, 'is a link to nothing');
    this.#addLink(name, { target, attributes });
  }

  /** Makes the symbolic links and gives the directories their modes and times. */
  finish(): void {
    for (const [name, { target, attributes }] of this.#links) {
      // A second look: a later link may have changed where an earlier one leads.
      this.#refuseEscape(name, attributes);
      this.#create(name, (path) => {
        symlinkSync(Buffer.from(target, 'latin1'), path);
        lutimesSync(path, attributes.mtime, attributes.mtime);
      });
    }
    const deepestFirst = [...this.#directories].sort(([a], [b]) => b.split('/').length - a.split('/').length);
    for (const [name, attributes] of deepestFirst) this.#finishDirectory(name, attributes);
  }

  /** Releases what a failed extraction left open. */
  [Symbol.dispose](): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  #path(name: ByteString): Buffer {
    return Buffer.concat([this.#root, Buffer.from(`/${name}`, 'latin1')]);
  }

  #opened(): OpenFile {
    if (this.#open === undefined) throw new Error('no file of the archive is open');
    return this.#open;
  }

  /** The safe name of an entry other than the target itself, with its parent directories made. */
  #claimName(entryName: string): string {
    const name = safeName(entryName);
    if (name === '') throw hostile(entryName, 'would replace the target itself');
    this.#claim(entryName, name);
    this.#makeDirectory(parentOf(name));
    return name;
  }

  /** The last entry of a name wins, as in tar. */
  #claim(entryName: string, name: string): void {
    this.#refuseLinkOnTheWay(entryName, name);
    if (this.#links.delete(name)) this.#files--;
  }

  #addLink(name: string, link: SymbolicLink): void {
    this.#links.set(name, link);
    this.#files++;
    this.#refuseEscape(name, link.attributes);
  }

  #refuseLinkOnTheWay(entryName: string, name: string): void {
    const link = linkOnTheWay(this.#links, name);
    if (link !== undefined) throw hostile(entryName, `leads through the symbolic link ${quote(link)}`);
  }

  #refuseEscape(name: string, { name: entryName }: Attributes): void {
    if (leavesTarget(this.#links, name)) throw hostile(entryName, 'is a symbolic link that leads out of the target');
  }

  #makeDirectory(name: string): void {
    if (this.#made.has(name)) return;
    this.#makeDirectory(parentOf(name));
    onVolume(name, () => {
      try {
        mkdirSync(this.#path(name), 0o755);
      } catch (error) {
        if (codeOf(error) === 'EEXIST') throw hostile(name, 'is a directory and a file at once');
        throw error;
      }
    });
    this.#made.add(name);
  }

  /** Makes something new at the name; a file that an earlier entry put there gives way. */
  #create<T>(name: string, make: (path: Buffer) => T): T {
    const path = this.#path(name);
    return onVolume(name, () => {
      try {
        return make(path);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
        if (!this.#isFile(name)) throw hostile(name, 'is a directory and a file at once');
        unlinkSync(path);
        this.#files--;
        return make(path);
      }
    });
  }

  #isFile(name: string): boolean {
    try {
      return lstatSync(this.#path(name)).isFile();
    } catch (error) {
      if (NOTHING_THERE.has(codeOf(error))) return false;
      throw volumeError(name, error);
    }
  }

  /** The group bit that the volume's root passes on to directories stays; the archive's own setuid and setgid are never taken. */
  #finishDirectory(name: string, { mode, mtime }: Attributes): void {
    onVolume(name, () => {
      const fd = openSync(this.#path(name), OPEN_DIRECTORY);
      try {
        fchmodSync(fd, (mode & DIRECTORY_MODES) | (fstatSync(fd).mode & SETGID));
        futimesSync(fd, mtime, mtime);
      } finally {
        closeSync(fd);
      }
    });
  }
}

function parentOf(name: string): string {
  const slash = name.lastIndexOf('/');
  return slash === -1 ? '' : name.slice(0, slash);
}

function onVolume<T>(name: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw volumeError(name, cause);
  }
}

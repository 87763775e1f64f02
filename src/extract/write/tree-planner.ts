/**
 * Turns the entries of archives into steps below one directory that nothing else writes to.
 *
 * While entries come in, only real directories and regular files are made; symbolic links come at the very end. So no write can go
 * through a link that an archive made, whatever the order of its entries, and the text of a name alone decides where it leads. What the
 * directory held before is looked at by the executor, which never follows a link there either.
 *
 * It remembers directories and symbolic links, not files: of those the file system itself knows best.
 */
import type { PermanentError } from '../../sdk/errors.ts';
import type { Budget } from '../budget.ts';
import { hostile, parentOf, quote, safeName, unsupported } from '../entries/entry-name.ts';
import type { Entry, EntryHandler } from '../entries/entry.ts';
import { LinkTree } from '../entries/link-tree.ts';
import type { Notes } from '../entries/notes.ts';
import type { ByteString } from '../entries/tar-header.ts';
import type { Modes, Ownership } from '../job.ts';
import { AttributeStore } from './attribute-store.ts';
import type { DirectoryAttributes, FileAttributes, TreeCommands } from './tree-commands.ts';

export interface PlanOptions {
  readonly ownership: Ownership;
  readonly modes: Modes;
  /** Gets what could not be kept. */
  readonly notes: Notes;
  /** For the whole job: steps along symbolic links, and directories that have no entry. */
  readonly links: Budget;
  readonly directories: Budget;
}

interface SymbolicLink {
  /** As the archive spells it. */
  readonly entryName: ByteString;
  readonly target: ByteString;
  readonly attributes: FileAttributes;
}

/** Where the next bytes of a file with holes belong. */
interface SparsePlace {
  readonly extents: readonly { readonly offset: number; readonly length: number }[];
  index: number;
  /** Bytes of the extent that have come. */
  done: number;
}

const FILE_MODES = 0o777;
const DIRECTORY_MODES = 0o1777;
const ALL_MODES = 0o7777;
const IMPLICIT_DIRECTORY = 0o755;
/** What the populator itself needs while it fills a directory. */
const OWNER_MAY_ALL = 0o700;
/** PATH_MAX of Linux, its NUL left out. */
const MAX_NAME = 4095;

export class TreePlanner implements EntryHandler {
  readonly #commands: TreeCommands;
  readonly #options: PlanOptions;
  readonly #made = new Set<ByteString>(['']);
  readonly #directories = new Map<ByteString, DirectoryAttributes>();
  readonly #links: LinkTree<SymbolicLink>;
  readonly #attributes: AttributeStore;
  #closing: FileAttributes | undefined;
  #sparse: SparsePlace | undefined;
  #files = 0;

  constructor(commands: TreeCommands, options: PlanOptions) {
    this.#commands = commands;
    this.#options = options;
    this.#links = new LinkTree(options.links);
    this.#attributes = new AttributeStore(options.ownership, options.notes);
  }

  /** Files, hard links and symbolic links so far; one that replaced another counts again. */
  get files(): number {
    return this.#files;
  }

  begin(entry: Entry): void {
    switch (entry.type) {
      case 'file':
        return this.#file(entry);
      case 'directory':
        return this.#directory(entry);
      case 'hardLink':
        return this.#hardLink(entry);
      case 'symbolicLink':
        return this.#symbolicLink(entry);
      case 'characterDevice':
      case 'blockDevice':
        throw unsupported(entry.name, 'is a device, which is not supported');
      case 'fifo':
        throw unsupported(entry.name, 'is a pipe, which is not supported');
    }
  }

  data(bytes: Buffer): void {
    if (this.#sparse === undefined) this.#commands.write(bytes, undefined);
    else this.#writeSparse(this.#sparse, bytes);
  }

  end(): void {
    if (this.#closing === undefined) throw new Error('no file of the archive is open');
    this.#commands.closeFile(this.#closing);
    this.#closing = undefined;
    this.#sparse = undefined;
  }

  amend(entryName: ByteString, mode: number): void {
    const name = safeName(entryName);
    const directory = this.#directories.get(name);
    const { files } = this.#options.modes;
    if (directory !== undefined) {
      this.#directories.set(name, { ...directory, mode: this.#directoryMode(mode), modeGiven: false });
    } else if (files === undefined && name !== '' && !this.#links.has(name)) {
      this.#commands.setMode(name, this.#fileMode(mode));
    }
  }

  /**
   * Sets extended attributes, makes the symbolic links and gives the directories their modes and times. Nothing may come after it. There may be millions of
   * them: it comes back after each.
   */
  *finish(): Generator<void, void, void> {
    this.#attributes.set(this.#commands);
    for (const [name, link] of this.#links) {
      // A second look: a later link may have changed where an earlier one leads.
      this.#refuseEscape(name, link);
      this.#commands.symbolicLink(name, link.target, link.attributes);
      yield;
    }
    const deepestFirst = [...this.#directories]
      .map(([name, attributes]) => ({ name, attributes, depth: depth(name) }))
      .sort((a, b) => b.depth - a.depth);
    for (const { name, attributes } of deepestFirst) {
      this.#commands.finishDirectory(name, attributes);
      yield;
    }
  }

  #file(entry: Entry): void {
    const name = this.#claimName(entry.name);
    const asGiven = this.#fileAttributes(entry);
    const attributes = { ...asGiven, mode: this.#attributes.add(name, entry, asGiven.mode) };
    this.#commands.createFile(name, attributes.mode);
    this.#closing = attributes;
    this.#sparse = entry.sparse === undefined ? undefined : { extents: entry.sparse.extents, index: 0, done: 0 };
    this.#files++;
  }

  #writeSparse(place: SparsePlace, bytes: Buffer): void {
    for (let rest = bytes; rest.length > 0; ) {
      const extent = place.extents[place.index];
      if (extent === undefined) throw new RangeError('a file has more data than its extents hold');
      const part = rest.subarray(0, extent.length - place.done);
      if (part.length > 0) this.#commands.write(part, extent.offset + place.done);
      rest = rest.subarray(part.length);
      place.done += part.length;
      if (place.done < extent.length) continue;
      place.index++;
      place.done = 0;
    }
  }

  #directory(entry: Entry): void {
    const name = safeName(entry.name);
    // Mode and owner of the target itself belong to whoever made it: a volume's root is shared through its fsGroup.
    if (name === '') return this.#attributes.lose(entry);
    if (name.length > MAX_NAME) throw tooLong(entry.name);
    this.#claim(entry.name, name);
    const { uid, gid } = this.#ownerOf(entry);
    const mode = this.#directoryMode(entry.mode);
    const made = this.#makeDirectory(name, mode);
    const modeGiven = made && (mode & OWNER_MAY_ALL) === OWNER_MAY_ALL;
    this.#directories.set(name, { mode, mtime: entry.mtime, uid, gid, modeGiven });
    this.#attributes.add(name, entry, mode);
  }

  /** Its target is the name of a file that came before. */
  #hardLink(entry: Entry): void {
    const existing = safeName(entry.linkName);
    this.#refuseLinkOnTheWay(entry.name, existing);
    const symbolic = this.#links.get(existing);
    if (
      symbolic === undefined &&
      (existing === '' || this.#made.has(existing) || !this.#made.has(parentOf(existing)))
    ) {
      throw hostile(entry.name, 'is a hard link to something that is not a file before it in the archive');
    }
    // A file that GNU tar was given twice is in the archive a second time as a link to itself.
    if (safeName(entry.name) === existing) return;
    const name = this.#claimName(entry.name);
    if (symbolic !== undefined) return this.#addLink(name, { ...symbolic, entryName: entry.name });
    this.#commands.hardLink(name, existing);
    this.#files++;
  }

  #symbolicLink(entry: Entry): void {
    const name = this.#claimName(entry.name);
    const target = entry.linkName;
    if (target === '' || target.includes('\0')) throw hostile(entry.name, 'is a link to nothing');
    if (target.length > MAX_NAME) throw tooLong(target);
    this.#attributes.lose(entry);
    this.#addLink(name, { entryName: entry.name, target, attributes: this.#fileAttributes(entry) });
  }

  #fileAttributes(entry: Entry): FileAttributes {
    const { uid, gid } = this.#ownerOf(entry);
    return { mode: this.#fileMode(entry.mode), mtime: entry.mtime, uid, gid, size: entry.sparse?.size };
  }

  #ownerOf(entry: Pick<Entry, 'uid' | 'gid'>): Pick<Ownership, 'uid' | 'gid'> {
    const { ownership } = this.#options;
    return ownership.preserve ? entry : ownership;
  }

  #fileMode(mode: number): number {
    const { ownership, modes } = this.#options;
    return modes.files ?? mode & (ownership.preserve ? ALL_MODES : FILE_MODES);
  }

  #directoryMode(mode: number): number {
    const { ownership, modes } = this.#options;
    return modes.directories ?? mode & (ownership.preserve ? ALL_MODES : DIRECTORY_MODES);
  }

  /** The safe name of an entry other than the target itself, with its parent directories made. */
  #claimName(entryName: ByteString): ByteString {
    const name = safeName(entryName);
    if (name === '') throw hostile(entryName, 'would replace the target itself');
    if (name.length > MAX_NAME) throw tooLong(entryName);
    if (this.#made.has(name)) throw hostile(entryName, 'is a directory and a file at once');
    this.#claim(entryName, name);
    this.#makeParents(name);
    return name;
  }

  /** The last entry of a name wins, as in tar. */
  #claim(entryName: ByteString, name: ByteString): void {
    this.#refuseLinkOnTheWay(entryName, name);
    if (this.#links.delete(name)) this.#files--;
    this.#attributes.forget(name);
  }

  #addLink(name: ByteString, link: SymbolicLink): void {
    this.#links.set(name, link);
    this.#files++;
    this.#refuseEscape(name, link);
  }

  #refuseLinkOnTheWay(entryName: ByteString, name: ByteString): void {
    const link = this.#links.onTheWay(name);
    if (link !== undefined) throw hostile(entryName, `leads through the symbolic link ${quote(link)}`);
  }

  #refuseEscape(name: ByteString, { entryName }: SymbolicLink): void {
    if (this.#links.leavesTarget(name)) throw hostile(entryName, 'is a symbolic link that leads out of the target');
  }

  /** @returns false where it was there already. */
  #makeDirectory(name: ByteString, mode: number): boolean {
    if (this.#made.has(name)) return false;
    this.#makeParents(name);
    this.#commands.makeDirectory(name, mode | OWNER_MAY_ALL);
    this.#made.add(name);
    return true;
  }

  #makeParents(name: ByteString): void {
    const missing: ByteString[] = [];
    this.#options.directories.enter(name);
    for (let parent = parentOf(name); !this.#made.has(parent); parent = parentOf(parent)) missing.push(parent);
    for (const parent of missing.reverse()) this.#makeImplicitDirectory(parent);
  }

  /** A directory that the archive has no entry for, or not yet. */
  #makeImplicitDirectory(name: ByteString): void {
    const { ownership, modes, directories } = this.#options;
    const mode = modes.directories ?? IMPLICIT_DIRECTORY;
    directories.spend(1);
    this.#commands.makeDirectory(name, mode | OWNER_MAY_ALL);
    this.#made.add(name);
    const { uid, gid } = ownership.preserve ? NO_OWNER : ownership;
    if (uid === undefined && gid === undefined && modes.directories === undefined) return;
    this.#directories.set(name, { mode, mtime: undefined, uid, gid, modeGiven: false });
  }
}

const NO_OWNER = { uid: undefined, gid: undefined };

function depth(name: ByteString): number {
  return name.split('/').length;
}

function tooLong(name: ByteString): PermanentError {
  return unsupported(name, `has a name or target of more than ${MAX_NAME} bytes`);
}

/**
 * Extended attributes of the archive's files and directories, until all of those are there.
 *
 * What is restored: `user.*`, and a file's capabilities where owners are taken from the archive too. All others are the system's own
 * matter (SELinux contexts), or need rights that no populator has.
 */
import type { Entry } from '../entries/entry.ts';
import { addNote, addNotes, type Notes } from '../entries/notes.ts';
import type { ByteString } from '../entries/tar-header.ts';
import type { Ownership } from '../job.ts';
import type { Attributes } from './extended-attributes.ts';
import type { TreeCommands } from './tree-commands.ts';

/** Of all names and values together, however large the archive, with what keeping one of them takes beside. */
const MAX_BYTES = 64 * 1024 * 1024;
const OVERHEAD = 200;
/** Who is not root sets attributes of files that he may write. */
const OWNER_MAY_USE = 0o600;

export class AttributeStore {
  readonly #preserve: boolean;
  readonly #notes: Notes;
  readonly #attributes = new Map<ByteString, Attributes>();
  /** Of files that have another one until their attributes are set. */
  readonly #modes = new Map<ByteString, number>();
  #bytes = 0;

  constructor({ preserve }: Ownership, notes: Notes) {
    this.#preserve = preserve;
    this.#notes = notes;
  }

  /**
   * @param mode that the file or directory is to have in the end.
   * @returns the one to make a file with.
   */
  add(name: ByteString, { attributes, type }: Entry, mode: number): number {
    if (attributes === undefined) return mode;
    const kept = new Map([...attributes].filter(([attribute]) => this.#isRestored(attribute)));
    const bytes = kept
      .entries()
      .reduce((sum, [attribute, value]) => sum + attribute.length + value.length + OVERHEAD, name.length + OVERHEAD);
    const fits = this.#bytes + bytes <= MAX_BYTES;
    if (kept.size < attributes.size || !fits) addNote(this.#notes, 'attributesLost');
    if (kept.size === 0 || !fits) return mode;
    this.#bytes += bytes;
    this.#attributes.set(name, kept);
    if (type === 'file' && (mode & OWNER_MAY_USE) !== OWNER_MAY_USE) this.#modes.set(name, mode);
    return mode | OWNER_MAY_USE;
  }

  /** Of an entry that takes none. */
  lose({ attributes }: Entry): void {
    if (attributes !== undefined) addNote(this.#notes, 'attributesLost');
  }

  /** Another entry takes the name. */
  forget(name: ByteString): void {
    this.#attributes.delete(name);
    this.#modes.delete(name);
  }

  /** Once all files and directories are there. */
  set(commands: Pick<TreeCommands, 'setAttributes' | 'setMode'>): void {
    if (this.#attributes.size === 0) return;
    const lost = commands.setAttributes(this.#attributes);
    if (lost > 0) addNotes(this.#notes, new Map([['attributesLost', lost]]));
    for (const [name, mode] of this.#modes) commands.setMode(name, mode);
  }

  #isRestored(attribute: ByteString): boolean {
    return attribute.startsWith('user.') || (this.#preserve && attribute === 'security.capability');
  }
}

/**
 * The layers of a container image, read from the uppermost down: what a layer above brought, replaced or took away is left out of those
 * below, so nothing that was written has to be removed again.
 *
 * `.wh.NAME` says that NAME of the layers below is gone, `.wh..wh..opq` that its directory shows nothing of them (OCI image
 * specification, layer.md). Neither speaks of its own layer, wherever in it they stand. It remembers the names of all layers but the
 * lowest.
 */
import { PermanentError } from '../../sdk/errors.ts';
import { hostile, parentOf, quote, safeName } from './entry-name.ts';
import type { Entry, EntryHandler } from './entry.ts';
import { type NameNode, NameTree } from './name-tree.ts';
import { pickEntries } from './pick-entries.ts';
import type { ByteString } from './tar-header.ts';

/**
 * What the layers above make of a name: `implied`, a directory that only entries below it tell of; `directory`, one with attributes;
 * `covered`, nothing below shows through.
 */
type Cover = 'implied' | 'directory' | 'covered';

interface Covers {
  /** Of the layers above. */
  above: Cover | undefined;
  /** Of the layer that is being read; counts from the next one on. */
  here: Cover | undefined;
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Notes of the storage driver that the specification has others skip. */
const DRIVER = '.wh..wh.';

export class Overlay {
  #image: string | undefined;
  #names = new NameTree<Covers>();
  /** Those that the layer being read says something of. */
  #here: Covers[] = [];

  /**
   * Begins the next layer, of the same image as the last or of another.
   * @returns a handler whose `begin` throws PermanentError `HostileArchive` for whiteouts that name no file, `UnsupportedEntry` for hard
   * links to what is hidden.
   */
  layer(image: string, next: EntryHandler): EntryHandler {
    if (image !== this.#image) this.#names = new NameTree();
    for (const covers of this.#here) {
      covers.above = covers.here;
      covers.here = undefined;
    }
    this.#image = image;
    this.#here = [];
    return pickEntries(next, (entry) => (this.#hides(entry) ? undefined : entry));
  }

  #hides(entry: Entry): boolean {
    const name = safeName(entry.name);
    const parent = parentOf(name);
    const base = name.slice(name.lastIndexOf('/') + 1);
    if (base.startsWith(WHITEOUT)) {
      this.#takeAway(entry.name, parent, base);
      return true;
    }
    const hidden = this.#isHidden(name, entry.type === 'directory');
    if (hidden) return true;
    if (entry.type === 'hardLink' && this.#isHidden(safeName(entry.linkName), false)) throw brokenLink(entry);
    this.#note(name, entry.type === 'directory' ? 'directory' : 'covered');
    return false;
  }

  #takeAway(entryName: ByteString, parent: ByteString, base: ByteString): void {
    if (base === OPAQUE) return this.#note(parent, 'covered');
    if (base.startsWith(DRIVER)) return;
    const gone = base.slice(WHITEOUT.length);
    if (gone === '' || gone === '.' || gone === '..') throw hostile(entryName, 'is a whiteout of no file');
    this.#note(parent === '' ? gone : `${parent}/${gone}`, 'covered');
  }

  #isHidden(name: ByteString, isDirectory: boolean): boolean {
    const cover = this.#names.find(name)?.value?.above;
    if (cover !== undefined && !(cover === 'implied' && isDirectory)) return name !== '';
    return this.#names.lastAbove(name, (covers) => covers?.above === 'covered') !== undefined;
  }

  #note(name: ByteString, cover: Cover): void {
    const node = this.#names.enter(name);
    if (node.value?.here !== 'covered') this.#set(node, cover);
    for (let at = node.parent; at !== undefined && at.value?.here === undefined; at = at.parent)
      this.#set(at, 'implied');
  }

  #set(node: NameNode<Covers>, cover: Cover): void {
    const covers = (node.value ??= { above: undefined, here: undefined });
    if (covers.here === undefined) this.#here.push(covers);
    covers.here = cover;
  }
}

function brokenLink({ name, linkName }: Entry): PermanentError {
  return new PermanentError(
    'UnsupportedEntry',
    `The image's entry ${quote(name)} is a hard link to ${quote(linkName)}, which a layer above replaces or removes; that is not supported.`,
  );
}

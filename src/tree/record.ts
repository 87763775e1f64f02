/**
 * Describes a tree as lines of a manifest, in passes over text on disk: first what the system says of each name (before the capture reads anything),
 * then digests and attributes, at last, where somebody may have written meanwhile, what is no longer as it was. A name is encoded once: each pass
 * only adds to the end of its line.
 */
import { readAttributes } from './attributes.ts';
import type { ByteString } from './bytes.ts';
import { absolutePath, hasCode, isUntouched, readEntry, type TreeEntry } from './entry.ts';
import { type EarlierManifest, EarlierTails } from './earlier.ts';
import { FileHasher } from './hash.ts';
import { batchLines } from './lines.ts';
import { type AttributeValues, decodeEntry, encodeHead, encodeRecord, encodeTail } from './manifest.ts';
import { Pause } from './pause.ts';
import { sourceUnreadable } from './tree-errors.ts';
import { walkTree } from './walk.ts';

const PIECE = 64 * 1024;

/** The heads of all names, one a line. Tells of each name. */
export async function* surveyTree(
  root: Buffer,
  signal: AbortSignal,
  onEntry: (entry: TreeEntry) => void,
): AsyncGenerator<Buffer, void> {
  const pause = new Pause(signal);
  let text = '';
  try {
    for (const entry of walkTree(root)) {
      onEntry(entry);
      text += `${encodeHead(entry)}\n`;
      if (text.length >= PIECE) {
        yield Buffer.from(text);
        text = '';
      }
      if (pause.isDue) await pause.take();
    }
  } catch (cause) {
    throw sourceUnreadable(cause);
  }
  yield Buffer.from(text);
}

export interface FindOptions {
  /** Of the same volume; undefined: everything is read. */
  readonly earlier: EarlierManifest | undefined;
  /** Somebody may be writing: a file that is gone is no error. */
  readonly live: boolean;
  readonly signal: AbortSignal;
}

/** Heads in, lines out: with the digests of files, and attributes. What an earlier manifest knows of a name that is untouched is taken over. */
export async function* completeLines(
  root: string,
  heads: AsyncIterable<Buffer>,
  { earlier, live, signal }: FindOptions,
): AsyncGenerator<Buffer, void> {
  const known = earlier && new EarlierTails(earlier);
  const finder = new Finder(root, live, signal);
  try {
    for await (const batch of batchLines(heads)) {
      const tails: (string | undefined)[] = [];
      for (const head of batch) tails.push(await known?.of(head));
      const found = await finder.tailsOf(batch.filter((_, index) => tails[index] === undefined));
      yield Buffer.from(batch.map((head, index) => `${head}${tails[index] ?? found.get(head)}\n`).join(''));
    }
  } finally {
    await known?.close();
  }
}

/** Marks what is not what it was when the tree was surveyed. */
export async function* markChanged(
  root: Buffer,
  lines: AsyncIterable<Buffer>,
  signal: AbortSignal,
  onChanged: () => void,
): AsyncGenerator<Buffer, void> {
  const pause = new Pause(signal);
  for await (const batch of batchLines(lines)) {
    let text = '';
    for (const line of batch) {
      const entry = decodeEntry(line);
      const now = readEntry(root, entry.path);
      const same = !entry.changed && now !== undefined && isUntouched(entry, now);
      if (!same) onChanged();
      text += same ? `${line}\n` : encodeRecord({ type: 'entry', entry: { ...entry, changed: true } });
      if (pause.isDue) await pause.take();
    }
    yield Buffer.from(text);
  }
}

/** Reads files and attributes, of many names at a time. */
class Finder {
  readonly #root: string;
  readonly #base: Buffer;
  readonly #live: boolean;
  readonly #signal: AbortSignal;
  readonly #hasher: FileHasher;
  /** Digests by inode, of files with several names. */
  readonly #linked = new Map<string, string>();

  constructor(root: string, live: boolean, signal: AbortSignal) {
    this.#root = root;
    this.#base = Buffer.from(root);
    this.#live = live;
    this.#signal = signal;
    this.#hasher = new FileHasher(new Pause(signal));
  }

  /** By their heads. */
  async tailsOf(heads: readonly string[]): Promise<Map<string, string>> {
    const tails = new Map<string, string>();
    if (heads.length === 0) return tails;
    const entries = heads.map((head) => ({ head, entry: decodeEntry(`${head}}`) }));
    const [attributes, digests] = await Promise.allSettled([
      this.#attributesOf(entries.map(({ entry }) => entry.path)),
      this.#digestsOf(entries.map(({ entry }) => entry)),
    ]);
    if (digests.status === 'rejected') throw digests.reason;
    if (attributes.status === 'rejected') throw attributes.reason;
    for (const { head, entry } of entries) {
      const sha256 = digests.value.get(entry.path);
      const values = attributes.value.get(entry.path);
      const isLost = entry.type === 'file' && sha256 === undefined;
      const findings = {
        ...(sha256 !== undefined && { sha256 }),
        ...(values && { attributes: values }),
        ...(isLost && { changed: true as const }),
      };
      tails.set(head, encodeTail(findings));
    }
    return tails;
  }

  async #attributesOf(paths: readonly ByteString[]): Promise<Map<ByteString, AttributeValues>> {
    const found = new Map<ByteString, AttributeValues>();
    for await (const { path, attributes } of readAttributes(this.#root, paths, this.#signal))
      found.set(path, attributes);
    return found;
  }

  async #digestsOf(entries: readonly TreeEntry[]): Promise<Map<ByteString, string>> {
    const digests = new Map<ByteString, string>();
    for (const entry of entries) {
      if (entry.type !== 'file') continue;
      const digest = this.#linked.get(entry.inode) ?? (await this.#hash(entry));
      if (digest === undefined) continue;
      digests.set(entry.path, digest);
      if (entry.links > 1) this.#linked.set(entry.inode, digest);
    }
    return digests;
  }

  /** Undefined where it is gone. */
  async #hash({ path }: TreeEntry): Promise<string | undefined> {
    try {
      return await this.#hasher.hash(absolutePath(this.#base, path));
    } catch (cause) {
      if (this.#live && ['ENOENT', 'ELOOP', 'ENXIO', 'ENOTDIR'].some((code) => hasCode(cause, code))) return undefined;
      throw sourceUnreadable(cause, path);
    }
  }
}

/**
 * Describes a tree as a manifest, in passes over files on disk: first what the system says of each name (before the capture reads anything), then
 * the digests of the contents, at last, where somebody may have written meanwhile, what is no longer as it was.
 */
import { type ByteString, comparePaths } from './bytes.ts';
import { absolutePath, hasCode, isUntouched, readEntry, type TreeEntry } from './entry.ts';
import { FileHasher } from './hash.ts';
import type { ManifestEntry, ManifestRecord } from './manifest.ts';
import { Pause } from './pause.ts';
import { sourceUnreadable } from './tree-errors.ts';
import { walkTree } from './walk.ts';

/** Tells of each name before it yields it. */
export async function* surveyTree(
  root: Buffer,
  signal: AbortSignal,
  onEntry: (entry: TreeEntry) => void,
): AsyncGenerator<ManifestRecord, void> {
  const pause = new Pause(signal);
  try {
    for (const entry of walkTree(root)) {
      onEntry(entry);
      yield { type: 'entry', entry };
      if (pause.isDue) await pause.take();
    }
  } catch (cause) {
    throw sourceUnreadable(cause);
  }
}

export interface HashOptions {
  /** What an earlier manifest of the same volume says, in the same order; only names that were at rest when it was made. */
  readonly earlier: AsyncIterable<ManifestEntry>;
  /** Somebody may be writing: a file that is gone is no error. */
  readonly live: boolean;
  readonly signal: AbortSignal;
}

/** The entries with the digests of files. A digest of an earlier manifest is taken over where size, times and inode are the same. */
export async function* hashEntries(
  root: Buffer,
  entries: AsyncIterable<TreeEntry>,
  { earlier, live, signal }: HashOptions,
): AsyncGenerator<ManifestRecord, void> {
  const hasher = new FileHasher(new Pause(signal));
  const known = new EarlierDigests(earlier);
  /** By inode, of files with several names. */
  const linked = new Map<string, string>();
  try {
    for await (const entry of entries) {
      if (entry.type !== 'file') {
        yield { type: 'entry', entry };
        continue;
      }
      const digest = (await known.of(entry)) ?? linked.get(entry.inode) ?? (await hashFile(hasher, root, entry, live));
      if (digest !== undefined && entry.links > 1) linked.set(entry.inode, digest);
      yield { type: 'entry', entry: digest === undefined ? { ...entry, changed: true } : { ...entry, sha256: digest } };
    }
  } finally {
    await known.close();
  }
}

/** Marks what is not what it was when the tree was surveyed. */
export async function* markChanged(
  root: Buffer,
  entries: AsyncIterable<ManifestEntry>,
  signal: AbortSignal,
): AsyncGenerator<ManifestEntry, void> {
  const pause = new Pause(signal);
  for await (const entry of entries) {
    const now = readEntry(root, entry.path);
    yield now !== undefined && isUntouched(entry, now) ? entry : { ...entry, changed: true };
    if (pause.isDue) await pause.take();
  }
}

async function hashFile(
  hasher: FileHasher,
  root: Buffer,
  { path }: TreeEntry,
  live: boolean,
): Promise<string | undefined> {
  try {
    return await hasher.hash(absolutePath(root, path));
  } catch (cause) {
    if (live && ['ENOENT', 'ELOOP', 'ENXIO', 'ENOTDIR'].some((code) => hasCode(cause, code))) return undefined;
    throw sourceUnreadable(cause, path);
  }
}

/** Walks beside the entries that are asked for, which must come in the order of the walk. */
class EarlierDigests {
  readonly #entries: AsyncIterator<ManifestEntry>;
  #current: ManifestEntry | undefined;
  #begun = false;

  constructor(entries: AsyncIterable<ManifestEntry>) {
    this.#entries = entries[Symbol.asyncIterator]();
  }

  async of(entry: TreeEntry): Promise<string | undefined> {
    const earlier = await this.#find(entry.path);
    return earlier !== undefined && isUntouched(earlier, entry) ? earlier.sha256 : undefined;
  }

  async close(): Promise<void> {
    await this.#entries.return?.();
  }

  async #find(path: ByteString): Promise<ManifestEntry | undefined> {
    if (!this.#begun) await this.#step();
    while (this.#current !== undefined && comparePaths(this.#current.path, path) < 0) await this.#step();
    return this.#current?.path === path ? this.#current : undefined;
  }

  async #step(): Promise<void> {
    this.#begun = true;
    const next = await this.#entries.next();
    this.#current = next.done === true ? undefined : next.value;
  }
}

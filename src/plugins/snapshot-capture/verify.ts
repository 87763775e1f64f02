/** Reads all data of a capture and compares them with its manifest, without writing them anywhere. */
import { createHash, type Hash } from 'node:crypto';
import { TarReader } from '../../extract/entries/tar-reader.ts';
import type { Entry } from '../../extract/entries/entry.ts';
import type { Repository } from '../../restic/index.ts';
import { AttemptFailedError } from '../../sdk/index.ts';
import {
  type ByteString,
  compareExtents,
  comparePaths,
  inExtents,
  type ManifestEntry,
  type ManifestRecord,
  parentOf,
  printable,
  readManifest,
} from '../../tree/index.ts';
import { type Capture, dataOf, DEVICE_FILE, MANIFEST_FILE } from './captures.ts';

export interface VerifyOptions {
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** @throws AttemptFailedError `DataMismatch`, `ManifestDamaged`; what reading the repository throws. */
export async function verifyCapture(
  repository: Repository,
  { about, manifest }: Capture,
  { onBytes, signal }: VerifyOptions,
): Promise<void> {
  const records = readManifest(repository.dump(manifest, MANIFEST_FILE));
  if (about.kind === 'device') {
    const content = inExtents(repository.dump(dataOf(about), DEVICE_FILE));
    await compareExtents(content, records, onBytes);
    return;
  }
  await compareTar(about.data === undefined ? nothing() : repository.dump(about.data), records, onBytes, signal);
}

async function* nothing(): AsyncGenerator<Buffer, void> {}

/** An entry of the archive with the digest of its content. */
interface Archived {
  readonly entry: Entry;
  readonly path: ByteString;
  readonly sha256: string | undefined;
}

async function compareTar(
  archive: AsyncIterable<Buffer>,
  records: AsyncIterable<ManifestRecord>,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const queue: Archived[] = [];
  const reader = new TarReader(collector(queue), new Map());
  const expected = new ExpectedEntries(records);
  try {
    for await (const piece of archive) {
      signal.throwIfAborted();
      reader.write(piece);
      for (const archived of queue.splice(0)) {
        await expected.compare(archived);
        onBytes(archived.entry.size);
      }
    }
    await expected.finish();
  } finally {
    await expected.close();
  }
}

function collector(queue: Archived[]): ConstructorParameters<typeof TarReader>[0] {
  let current: { readonly entry: Entry; readonly hash: Hash } | undefined;
  const push = (entry: Entry, sha256: string | undefined) =>
    queue.push({ entry, path: entry.name.replace(/^\/+|\/+$/g, ''), sha256 });
  return {
    begin(entry) {
      if (entry.type === 'file') current = { entry, hash: createHash('sha256') };
      else push(entry, undefined);
    },
    data: (bytes) => void current?.hash.update(bytes),
    amend: () => undefined,
    end() {
      if (current !== undefined) push(current.entry, current.hash.digest('hex'));
      current = undefined;
    },
  };
}

/** The manifest beside the archive: restic writes both in the order of the walk. */
class ExpectedEntries {
  readonly #records: AsyncIterator<ManifestRecord>;
  #here: ManifestEntry | undefined;
  /** In a directory that was written to during the capture there may be anything. */
  readonly #changed = new Set<ByteString>();
  #begun = false;

  constructor(records: AsyncIterable<ManifestRecord>) {
    this.#records = records[Symbol.asyncIterator]();
  }

  async compare(archived: Archived): Promise<void> {
    const { path } = archived;
    if (!this.#begun) await this.#step();
    while (this.#here !== undefined && comparePaths(this.#here.path, path) < 0) await this.#miss(this.#here);
    const expected = this.#here;
    if (expected?.path === path) {
      await this.#step();
      if (!expected.changed) compareEntry(expected, archived);
    } else if (this.#changed.has(parentOf(path))) this.#changed.add(path);
    else throw mismatch(path, 'is not in the manifest');
  }

  /** To the end, so that whoever reads the manifest sees that it is whole. */
  async finish(): Promise<void> {
    if (!this.#begun) await this.#step();
    while (this.#here !== undefined) await this.#miss(this.#here);
  }

  async close(): Promise<void> {
    await this.#records.return?.();
  }

  async #miss({ path, type, changed }: ManifestEntry): Promise<void> {
    // An archive has no entry for its root, and restic keeps no sockets.
    if (path !== '' && type !== 'socket' && !changed) throw mismatch(path, 'is missing');
    await this.#step();
  }

  async #step(): Promise<void> {
    this.#begun = true;
    this.#here = undefined;
    for (;;) {
      const { value: record } = await this.#records.next();
      if (record === undefined) return;
      if (record.type !== 'entry') continue;
      if (record.entry.changed) this.#changed.add(record.entry.path);
      this.#here = record.entry;
      return;
    }
  }
}

const COMPARED = { file: 'file', directory: 'directory', link: 'symbolicLink' } as const;

function compareEntry(expected: ManifestEntry, { entry, path, sha256 }: Archived): void {
  const tell = (what: string) => mismatch(path, what);
  if (entry.uid !== expected.uid || entry.gid !== expected.gid) throw tell('has another owner');
  // In restic's archive pipes and devices are empty files.
  if (expected.type !== 'file' && expected.type !== 'directory' && expected.type !== 'link') return;
  if (entry.type !== COMPARED[expected.type]) throw tell('is of another type');
  if (expected.type === 'link') {
    if (entry.linkName !== expected.target) throw tell('leads elsewhere');
    return;
  }
  if (entry.mode !== expected.mode) throw tell('has another mode');
  if (expected.type === 'file' && sha256 !== expected.sha256) throw tell('has other content');
}

function mismatch(path: ByteString, what: string): AttemptFailedError {
  return new AttemptFailedError(
    'DataMismatch',
    `The repository does not hold what was captured: ${printable(path)} ${what}.`,
  );
}

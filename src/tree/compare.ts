/** Compares a tree with a manifest by reading all of it again. */
import { AttemptFailedError } from '../sdk/errors.ts';
import { type Attributes, readAttributes } from './attributes.ts';
import { type ByteString, comparePaths, isWithin, parentOf, printable } from './bytes.ts';
import { differencesOf, type Fidelity } from './differences.ts';
import { absolutePath, OF_THE_FILE_SYSTEM, type TreeEntry } from './entry.ts';
import { FileHasher } from './hash.ts';
import { HardLinks } from './hard-links.ts';
import type { AttributeValues, ManifestEntry, ManifestRecord } from './manifest.ts';
import { Pause } from './pause.ts';
import { targetFailed } from './tree-errors.ts';
import { walkTree } from './walk.ts';

export interface CompareOptions {
  /** Only this directory of the manifest, as if it were the root. */
  readonly subtree: ByteString;
  readonly fidelity: Fidelity;
  /** Called for each file that agrees. */
  readonly onFile: (bytes: number) => void;
  readonly signal: AbortSignal;
}

export interface Compared {
  readonly files: number;
  readonly bytes: number;
  /** Names that could not be compared, because they changed while they were captured. */
  readonly changed: number;
}

/** So many are named; the rest would say nothing new. */
const TOLD = 5;

/**
 * @param records of a whole manifest; read to the end where nothing differs.
 * @throws AttemptFailedError `DataMismatch` naming the first differences; whatever goes wrong with the volume or the manifest.
 */
export async function compareTree(
  root: string,
  records: AsyncIterable<ManifestRecord>,
  options: CompareOptions,
): Promise<Compared> {
  const comparison = new Comparison(root, options);
  try {
    for await (const record of records) await comparison.take(record);
    await comparison.finish();
  } finally {
    await comparison.close();
  }
  return comparison.result;
}

class Comparison {
  readonly #root: string;
  readonly #options: CompareOptions;
  readonly #pause: Pause;
  readonly #hasher: FileHasher;
  readonly #links = new HardLinks();
  readonly #tree: Iterator<TreeEntry, void>;
  #here: TreeEntry | undefined;
  readonly #attributes: AsyncGenerator<Attributes, void>;
  #attributesHere: Attributes | undefined;
  /** What was written to during the capture; in such a directory there may be anything. */
  readonly #changed = new Set<ByteString>();
  readonly #differences: string[] = [];
  #files = 0;
  #bytes = 0;

  constructor(root: string, options: CompareOptions) {
    this.#root = root;
    this.#options = options;
    this.#pause = new Pause(options.signal);
    this.#hasher = new FileHasher(this.#pause);
    this.#tree = walkTree(Buffer.from(root));
    this.#attributes = readAttributes(root, pathsOf(root), options.signal);
    this.#stepTree();
  }

  get result(): Compared {
    return { files: this.#files, bytes: this.#bytes, changed: this.#changed.size };
  }

  async take(record: ManifestRecord): Promise<void> {
    const { subtree } = this.#options;
    if (record.type === 'entry' && isWithin(record.entry.path, subtree)) {
      const below = subtree === '' ? 0 : subtree.length + 1;
      const path = record.entry.path.slice(below);
      // At the root of a volume it is the file system's own, whoever else may have had one there.
      if (!OF_THE_FILE_SYSTEM.has(path.split('/', 1)[0] ?? '')) await this.#takeEntry({ ...record.entry, path });
    }
    if (this.#pause.isDue) await this.#pause.take();
  }

  async finish(): Promise<void> {
    while (this.#here !== undefined) await this.#unexpected(this.#here);
    this.#judge(1);
  }

  async close(): Promise<void> {
    await this.#attributes.return();
  }

  async #takeEntry(entry: ManifestEntry): Promise<void> {
    while (this.#here !== undefined && comparePaths(this.#here.path, entry.path) < 0) {
      await this.#unexpected(this.#here);
    }
    if (entry.changed) this.#changed.add(entry.path);
    if (this.#here?.path !== entry.path) {
      if (!entry.changed && !isLeftOut(entry)) this.#tell(entry.path, 'is missing');
      return;
    }
    const found = this.#here;
    this.#stepTree();
    if (entry.changed) return;
    const differences = differencesOf(entry, found, this.#options.fidelity);
    differences.push(...this.#attributeDifferences(entry.attributes ?? {}, await this.#attributesOf(entry.path)));
    for (const difference of differences) this.#tell(entry.path, difference);
    if (differences.length > 0 || entry.type !== 'file') return;
    await this.#compareContent(entry, found);
  }

  async #compareContent(entry: ManifestEntry, found: TreeEntry): Promise<void> {
    const problem = this.#links.check(entry, found);
    if (problem !== undefined) this.#tell(entry.path, problem);
    const digest = this.#links.digestOf(found) ?? (await this.#hash(found));
    this.#links.keepDigest(found, digest);
    if (digest !== entry.sha256) return this.#tell(entry.path, 'has other content');
    this.#files++;
    this.#bytes += entry.size;
    this.#options.onFile(entry.size);
  }

  async #hash({ path }: TreeEntry): Promise<string> {
    try {
      return await this.#hasher.hash(absolutePath(Buffer.from(this.#root), path));
    } catch (cause) {
      throw targetFailed(cause, path);
    }
  }

  #stepTree(): void {
    const next = this.#tree.next();
    this.#here = next.done === true ? undefined : next.value;
  }

  /** In a directory that was written to there may be millions. */
  async #unexpected(entry: TreeEntry): Promise<void> {
    if (this.#pause.isDue) await this.#pause.take();
    this.#stepTree();
    if (entry.path !== '' && this.#changed.has(parentOf(entry.path))) this.#changed.add(entry.path);
    else this.#tell(entry.path, 'is not in the snapshot');
  }

  /** Asked for in the order of the walk. */
  async #attributesOf(path: ByteString): Promise<AttributeValues> {
    while (this.#attributesHere === undefined || comparePaths(this.#attributesHere.path, path) < 0) {
      const next = await this.#attributes.next();
      if (next.done === true) return {};
      this.#attributesHere = next.value;
    }
    return this.#attributesHere.path === path ? this.#attributesHere.attributes : {};
  }

  #attributeDifferences(expected: AttributeValues, found: AttributeValues): string[] {
    const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
    return [...names]
      .filter((name) => expected[name] !== found[name] && this.#options.fidelity.keepsAttribute(name))
      .map((name) => {
        const what = name.startsWith('system.posix_acl') ? `the ACL ${name}` : `the attribute ${printable(name)}`;
        if (found[name] === undefined) return `lacks ${what}`;
        return `has ${expected[name] === undefined ? '' : 'another value of '}${what}`;
      });
  }

  #tell(path: ByteString, difference: string): void {
    this.#differences.push(`${printable(path)} ${difference}`);
    this.#judge(TOLD + 1);
  }

  #judge(limit: number): void {
    if (this.#differences.length < limit) return;
    const told = this.#differences.slice(0, TOLD).join('; ');
    const more = this.#differences.length > TOLD ? '; and there is more' : '';
    throw new AttemptFailedError('DataMismatch', `What was written is not what the snapshot holds: ${told}${more}.`);
  }
}

/** A socket is the address of a program that ran; restic does not restore it. */
function isLeftOut(entry: ManifestEntry): boolean {
  return entry.type === 'socket';
}

function* pathsOf(root: string): Generator<ByteString, void> {
  for (const { path } of walkTree(Buffer.from(root))) yield path;
}

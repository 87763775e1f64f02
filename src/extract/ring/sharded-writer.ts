/**
 * Commands for several threads that execute at the same time: whatever lies in one directory goes to one of them, in order.
 *
 * What the threads must know of each other comes down to this: a directory is made by whoever needs it first, so each thread is told of
 * the directories above its files; a hard link to a file of another thread, symbolic links and the last touches to directories wait until
 * all that came before is done.
 */
import type { ByteString } from '../entries/tar-header.ts';
import type { DirectoryAttributes, FileAttributes, TreeCommands } from '../write/tree-commands.ts';
import { BatchWriter, DATA_BYTES } from './batch.ts';
import type { RingMemory } from './slot-ring.ts';

interface Shard {
  readonly writer: BatchWriter;
  /** Directories that this shard has been told of. */
  readonly known: Set<ByteString>;
}

export class ShardedWriter implements TreeCommands {
  readonly #shards: readonly Shard[];
  readonly #first: Shard;
  /** Modes of all directories that were made. */
  readonly #directories = new Map<ByteString, number>();
  /** Content cannot be inflated right into a batch where several take parts of it: it is copied from here. */
  readonly #data = Buffer.allocUnsafe(DATA_BYTES);
  #current: Shard;
  #settled: 'symbolicLink' | 'finishDirectory' | undefined;

  constructor(memories: readonly RingMemory[]) {
    this.#shards = memories.map((memory) => ({ writer: new BatchWriter(memory), known: new Set(['']) }));
    const [first] = this.#shards;
    if (first === undefined) throw new RangeError('there is at least one shard');
    this.#first = first;
    this.#current = first;
  }

  nextData(): Buffer {
    this.endData();
    return this.#data;
  }

  endData(): void {
    for (const { writer } of this.#shards) writer.flush();
  }

  finish(): void {
    for (const { writer } of this.#shards) writer.finish();
  }

  makeDirectory(name: ByteString, mode: number): void {
    this.#directories.set(name, mode);
    this.#tell(this.#shardOf(name), name);
  }

  createFile(name: ByteString, mode: number): void {
    this.#current = this.#shardOf(name);
    this.#current.writer.createFile(name, mode);
  }

  write(bytes: Buffer, position: number | undefined): void {
    this.#current.writer.write(bytes, position);
  }

  closeFile(attributes: FileAttributes): void {
    this.#current.writer.closeFile(attributes);
  }

  hardLink(name: ByteString, existing: ByteString): void {
    const shard = this.#shardOf(name);
    if (shard !== this.#shardOf(existing)) this.#settle();
    shard.writer.hardLink(name, existing);
  }

  symbolicLink(name: ByteString, target: ByteString, attributes: FileAttributes): void {
    this.#settleOnce('symbolicLink');
    this.#shardOf(name).writer.symbolicLink(name, target, attributes);
  }

  /** All by one: a directory may lose the permission that its children's last touches need. */
  finishDirectory(name: ByteString, attributes: DirectoryAttributes): void {
    this.#settleOnce('finishDirectory');
    this.#first.writer.finishDirectory(name, attributes);
  }

  /** That of the directory in which the name lies, which it has been told of. */
  #shardOf(name: ByteString): Shard {
    const directory = parentOf(name);
    let hash = 0;
    for (let index = 0; index < directory.length; index++) hash = (hash * 31 + directory.charCodeAt(index)) | 0;
    const shard = this.#shards[(hash >>> 0) % this.#shards.length] ?? this.#first;
    this.#tell(shard, directory);
    return shard;
  }

  #tell(shard: Shard, directory: ByteString): void {
    if (shard.known.has(directory)) return;
    this.#tell(shard, parentOf(directory));
    const mode = this.#directories.get(directory);
    if (mode === undefined) throw new RangeError('a directory is used before it is made');
    // Another shard may have made it a moment ago, or will.
    shard.writer.makeDirectory(directory, mode, true);
    shard.known.add(directory);
  }

  #settleOnce(before: 'symbolicLink' | 'finishDirectory'): void {
    if (this.#settled !== before) this.#settle();
    this.#settled = before;
  }

  /** Returns when all that was asked for is done. */
  #settle(): void {
    for (const { writer } of this.#shards) writer.settle();
  }
}

function parentOf(name: ByteString): ByteString {
  const slash = name.lastIndexOf('/');
  return slash === -1 ? '' : name.slice(0, slash);
}

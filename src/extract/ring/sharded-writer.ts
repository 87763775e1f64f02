/**
 * Commands for several threads that execute at the same time: whatever lies in one directory goes to one of them, in order.
 *
 * What the threads must know of each other comes down to this: a hard link to a file of another thread, symbolic links and the last
 * touches to directories wait until all that came before is done.
 */
import type { ByteString } from '../entries/tar-header.ts';
import type { DirectoryAttributes, FileAttributes, FileCommands } from '../write/tree-commands.ts';
import { BatchWriter, DATA_BYTES } from './batch.ts';
import type { RingMemory } from './slot-ring.ts';

export class ShardedWriter implements FileCommands {
  readonly #shards: readonly BatchWriter[];
  readonly #first: BatchWriter;
  /** Content cannot be inflated right into a batch where several take parts of it: it is copied from here. */
  readonly #data = Buffer.allocUnsafe(DATA_BYTES);
  #current: BatchWriter;
  #settled: 'symbolicLink' | 'finishDirectory' | undefined;

  constructor(memories: readonly RingMemory[]) {
    this.#shards = memories.map((memory) => new BatchWriter(memory));
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
    for (const writer of this.#shards) writer.flush();
  }

  /** Returns when all that was asked for is done. */
  settle(): void {
    for (const writer of this.#shards) writer.settle();
  }

  finish(): void {
    for (const writer of this.#shards) writer.finish();
  }

  createFile(name: ByteString, mode: number): void {
    this.#current = this.#shardOf(name);
    this.#current.createFile(name, mode);
  }

  write(bytes: Buffer, position: number | undefined): void {
    this.#current.write(bytes, position);
  }

  closeFile(attributes: FileAttributes): void {
    this.#current.closeFile(attributes);
  }

  setMode(name: ByteString, mode: number): void {
    this.#shardOf(name).setMode(name, mode);
  }

  hardLink(name: ByteString, existing: ByteString): void {
    const shard = this.#shardOf(name);
    if (shard !== this.#shardOf(existing)) this.settle();
    shard.hardLink(name, existing);
  }

  symbolicLink(name: ByteString, target: ByteString, attributes: FileAttributes): void {
    this.#settleOnce('symbolicLink');
    this.#shardOf(name).symbolicLink(name, target, attributes);
  }

  /** All by one: a directory may lose the permission that its children's last touches need. */
  finishDirectory(name: ByteString, attributes: DirectoryAttributes): void {
    this.#settleOnce('finishDirectory');
    this.#first.finishDirectory(name, attributes);
  }

  /** That of the directory in which the name lies. */
  #shardOf(name: ByteString): BatchWriter {
    const end = name.lastIndexOf('/');
    let hash = 0;
    for (let index = 0; index < end; index++) hash = (hash * 31 + name.charCodeAt(index)) | 0;
    return this.#shards[(hash >>> 0) % this.#shards.length] ?? this.#first;
  }

  #settleOnce(before: 'symbolicLink' | 'finishDirectory'): void {
    if (this.#settled !== before) this.settle();
    this.#settled = before;
  }
}

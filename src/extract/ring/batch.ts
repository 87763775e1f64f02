/**
 * Commands on their way to the thread that executes them. A slot of the ring is one batch: commands, and behind them memory for data.
 *
 * Content is inflated right into that memory, and a command to write it says only where it lies: nothing is copied. Data that lies
 * elsewhere is copied into the batch.
 */
import type { ByteString } from '../entries/tar-header.ts';
import type { DirectoryAttributes, FileAttributes, FileCommands } from '../write/tree-commands.ts';
import { numberBytes, RecordReader, RecordWriter, stringBytes } from './records.ts';
import { createRing, type RingConsumer, type RingMemory, RingProducer } from './slot-ring.ts';

/** Enough for the commands of as many small entries as the data holds, in the usual case. */
const COMMAND_BYTES = 64 * 1024;
/** Fits into the second-level cache together with what inflates into it. */
export const DATA_BYTES = 256 * 1024;
const BATCHES = 32;
/** Waking a thread for each batch would cost as much as some of them. */
const GATHER = 4;

export function createBatchRing(): RingMemory {
  return createRing(BATCHES, COMMAND_BYTES + DATA_BYTES, GATHER);
}

const CREATE_FILE = 1;
const WRITE = 2;
const CLOSE_FILE = 3;
const HARD_LINK = 4;
const SYMBOLIC_LINK = 5;
const FINISH_DIRECTORY = 6;
const FINISHED = 7;
const SET_MODE = 8;
/** In place of numbers that are not given; none of them is ever negative. */
const NONE = -1;

export class BatchWriter implements FileCommands {
  readonly #ring: RingProducer;
  readonly #memory: SharedArrayBuffer;
  #slot: Buffer | undefined;
  #records = new RecordWriter(Buffer.alloc(0));
  #dataUsed = 0;
  /** While a piece of content is read where it lies: batches from the one that holds it to the present one. */
  #contentBatches: number | undefined;

  constructor(memory: RingMemory) {
    this.#ring = new RingProducer(memory);
    this.#memory = memory.shared;
  }

  /** Memory for the next piece of content, until the next call. Blocks until there is some. */
  nextData(): Buffer {
    this.endData();
    const slot = this.#begin();
    this.#contentBatches = 1;
    this.#dataUsed = DATA_BYTES;
    return slot.subarray(COMMAND_BYTES);
  }

  /** The memory of `nextData` is no longer read. */
  endData(): void {
    this.flush();
    // Commands about that piece went into more than one batch: its memory is free once all of them are done.
    if (this.#contentBatches !== undefined && this.#contentBatches > 1) this.#ring.drain();
    this.#contentBatches = undefined;
  }

  /** Hands over what is there. */
  flush(): void {
    if (this.#slot === undefined) return;
    this.#ring.publish(this.#records.used);
    this.#slot = undefined;
  }

  /** Hands over what is there, and returns when all is executed. Not while content is read where it lies. */
  settle(): void {
    this.flush();
    this.#ring.drain();
  }

  /** Says that no command comes any more, and returns when all are executed. */
  finish(): void {
    this.#command(FINISHED, 0);
    this.settle();
  }

  createFile(name: ByteString, mode: number): void {
    const records = this.#command(CREATE_FILE, numberBytes(1) + stringBytes(name));
    records.number(mode);
    records.string(name);
  }

  write(bytes: Buffer, position: number | undefined): void {
    if (bytes.buffer === this.#memory) return this.#writeAt(bytes.byteOffset, bytes.length, position);
    for (let done = 0; done < bytes.length; ) {
      const place = this.#room();
      const length = bytes.copy(place, 0, done);
      this.#dataUsed += length;
      this.#writeAt(place.byteOffset, length, position === undefined ? undefined : position + done);
      done += length;
    }
  }

  closeFile(attributes: FileAttributes): void {
    this.#fileAttributes(this.#command(CLOSE_FILE, FILE_ATTRIBUTES), attributes);
  }

  setMode(name: ByteString, mode: number): void {
    const records = this.#command(SET_MODE, numberBytes(1) + stringBytes(name));
    records.number(mode);
    records.string(name);
  }

  hardLink(name: ByteString, existing: ByteString): void {
    const records = this.#command(HARD_LINK, stringBytes(name) + stringBytes(existing));
    records.string(name);
    records.string(existing);
  }

  symbolicLink(name: ByteString, target: ByteString, attributes: FileAttributes): void {
    const records = this.#command(SYMBOLIC_LINK, stringBytes(name) + stringBytes(target) + FILE_ATTRIBUTES);
    records.string(name);
    records.string(target);
    this.#fileAttributes(records, attributes);
  }

  finishDirectory(name: ByteString, { mode, mtime, uid, gid, modeGiven }: DirectoryAttributes): void {
    const records = this.#command(FINISH_DIRECTORY, stringBytes(name) + numberBytes(5));
    records.string(name);
    records.number(mode);
    records.number(mtime ?? Number.NaN);
    records.number(uid ?? NONE);
    records.number(gid ?? NONE);
    records.number(Number(modeGiven));
  }

  #fileAttributes(records: RecordWriter, { mode, mtime, uid, gid, size }: FileAttributes): void {
    records.number(mode);
    records.number(mtime);
    records.number(uid ?? NONE);
    records.number(gid ?? NONE);
    records.number(size ?? NONE);
  }

  #writeAt(offset: number, length: number, position: number | undefined): void {
    const records = this.#command(WRITE, numberBytes(3));
    records.number(offset);
    records.number(length);
    records.number(position ?? NONE);
  }

  /** Memory of a batch that still has room for data, and for the command about it. */
  #room(): Buffer {
    if (this.#slot === undefined || this.#dataUsed === DATA_BYTES || this.#records.free < numberBytes(4)) {
      // Else data would be copied over content that is still being read.
      if (this.#contentBatches === BATCHES) throw new RangeError('one piece of content became too many');
      this.flush();
      this.#begin();
    }
    return (this.#slot ?? this.#begin()).subarray(COMMAND_BYTES + this.#dataUsed);
  }

  #command(operation: number, bytes: number): RecordWriter {
    if (this.#slot === undefined || this.#records.free < numberBytes(1) + bytes) {
      this.flush();
      this.#begin();
    }
    this.#records.number(operation);
    return this.#records;
  }

  #begin(): Buffer {
    const slot = this.#ring.reserve();
    this.#slot = slot;
    this.#records = new RecordWriter(slot.subarray(0, COMMAND_BYTES));
    this.#dataUsed = 0;
    if (this.#contentBatches !== undefined) this.#contentBatches++;
    return slot;
  }
}

const FILE_ATTRIBUTES = numberBytes(5);

/** Takes batches from the ring and carries out their commands, until the last one. @throws RingStoppedError, and what a command throws. */
export function executeBatches(ring: RingConsumer, memory: RingMemory, commands: FileCommands): void {
  const data = Buffer.from(memory.shared);
  for (let finished = false; !finished; ring.release()) {
    const records = new RecordReader(ring.take());
    while (!records.done && !finished) finished = execute(records, data, commands);
  }
}

/** @returns whether it was the last one. */
function execute(records: RecordReader, data: Buffer, commands: FileCommands): boolean {
  const operation = records.number();
  switch (operation) {
    case CREATE_FILE: {
      const mode = records.number();
      commands.createFile(records.string(), mode);
      return false;
    }
    case WRITE: {
      const offset = records.number();
      const bytes = data.subarray(offset, offset + records.number());
      commands.write(bytes, given(records.number()));
      return false;
    }
    case CLOSE_FILE:
      commands.closeFile(fileAttributes(records));
      return false;
    case SET_MODE: {
      const mode = records.number();
      commands.setMode(records.string(), mode);
      return false;
    }
    case HARD_LINK: {
      const name = records.string();
      commands.hardLink(name, records.string());
      return false;
    }
    case SYMBOLIC_LINK: {
      const name = records.string();
      const target = records.string();
      commands.symbolicLink(name, target, fileAttributes(records));
      return false;
    }
    case FINISH_DIRECTORY: {
      const name = records.string();
      commands.finishDirectory(name, directoryAttributes(records));
      return false;
    }
    case FINISHED:
      return true;
    default:
      throw new RangeError(`a batch holds the unknown command ${operation}`);
  }
}

function fileAttributes(records: RecordReader): FileAttributes {
  const mode = records.number();
  const mtime = records.number();
  const uid = given(records.number());
  const gid = given(records.number());
  return { mode, mtime, uid, gid, size: given(records.number()) };
}

function directoryAttributes(records: RecordReader): DirectoryAttributes {
  const mode = records.number();
  const mtime = records.number();
  const uid = given(records.number());
  const gid = given(records.number());
  return { mode, mtime: Number.isNaN(mtime) ? undefined : mtime, uid, gid, modeGiven: records.number() !== 0 };
}

function given(value: number): number | undefined {
  return value === NONE ? undefined : value;
}

/** Numbers and byte strings one behind another in a piece of memory: how commands travel through a ring. */
import type { ByteString } from '../entries/tar-header.ts';

const WORD = 4;
const DOUBLE = 8;

/** Bytes that a string takes. */
export function stringBytes(text: ByteString): number {
  return WORD + text.length;
}

/** Bytes that so many numbers take. */
export function numberBytes(numbers: number): number {
  return numbers * DOUBLE;
}

export class RecordWriter {
  #memory: Buffer;
  #view: DataView;
  #used = 0;

  constructor(memory: Buffer) {
    this.#memory = memory;
    this.#view = viewOf(memory);
  }

  get used(): number {
    return this.#used;
  }

  get free(): number {
    return this.#memory.length - this.#used;
  }

  number(value: number): void {
    this.#view.setFloat64(this.#used, value, true);
    this.#used += DOUBLE;
  }

  string(text: ByteString): void {
    this.#view.setUint32(this.#used, text.length, true);
    this.#used += WORD;
    this.#used += this.#memory.write(text, this.#used, 'latin1');
  }
}

export class RecordReader {
  readonly #memory: Buffer;
  readonly #view: DataView;
  #read = 0;

  constructor(memory: Buffer) {
    this.#memory = memory;
    this.#view = viewOf(memory);
  }

  get done(): boolean {
    return this.#read === this.#memory.length;
  }

  number(): number {
    const value = this.#view.getFloat64(this.#read, true);
    this.#read += DOUBLE;
    return value;
  }

  string(): ByteString {
    const length = this.#view.getUint32(this.#read, true);
    this.#read += WORD + length;
    return this.#memory.toString('latin1', this.#read - length, this.#read);
  }
}

function viewOf(memory: Buffer): DataView {
  return new DataView(memory.buffer, memory.byteOffset, memory.length);
}

/**
 * Contents of zip members that may turn out to be symbolic links: short ones of one line. Only the central directory at the archive's end
 * tells which are.
 */
import type { Entry } from './entry.ts';
import type { ByteString } from './tar-header.ts';

/** PATH_MAX of Linux, its NUL left out. */
const MAX_TARGET = 4095;
const NEW_LINE = 0x0a;
/** Of all targets together. */
const MAX_MEMORY = 8 * 1024 * 1024;

export interface PossibleLink {
  readonly entry: Entry;
  readonly target: ByteString;
}

export class PossibleLinks {
  readonly #links = new Map<number, PossibleLink>();
  /** From the oldest on. The same for all: each iterator of its own would pass over all places that were left before. */
  readonly #oldest = this.#links.keys();
  #memory = 0;
  #target: ByteString | undefined;

  /** A member begins. */
  begin(): void {
    this.#target = '';
  }

  /** Some of its data. */
  data(bytes: Buffer): void {
    if (this.#target === undefined) return;
    const possible =
      this.#target.length + bytes.length <= MAX_TARGET && !bytes.includes(0) && !bytes.includes(NEW_LINE);
    this.#target = possible ? this.#target + bytes.toString('latin1') : undefined;
  }

  /** It has ended. The oldest ones give way when there are too many: links then cannot be told any more, and are refused. */
  end(offset: number, entry: Entry): void {
    if (this.#target === undefined || this.#target === '') return;
    this.#links.set(offset, { entry, target: this.#target });
    this.#memory += sizeOf(this.#target);
    while (this.#memory > MAX_MEMORY) {
      const { value: oldest = offset } = this.#oldest.next();
      const link = this.#links.get(oldest);
      if (link === undefined) return;
      this.#links.delete(oldest);
      this.#memory -= sizeOf(link.target);
    }
  }

  /** @param offset of the member's local header. */
  get(offset: number): PossibleLink | undefined {
    return this.#links.get(offset);
  }
}

/** With what the entry around it takes, about. */
function sizeOf(target: ByteString): number {
  return target.length + 256;
}

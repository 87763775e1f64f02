/**
 * The same bytes at several places, asked in order. One that fails before the first byte gives way to the next. Once bytes have come,
 * another may only go on where a checksum is declared and the length is the same; else the failure ends the attempt.
 */
import { VolprimeError } from '../../sdk/index.ts';
import { fromFirstPlace, type PlacesOptions } from './first-place.ts';
import type { Begun } from './http/open-http-source.ts';
import type { ByteSource } from './source.ts';

export interface Mirror {
  open(): Promise<ByteSource>;
  goOn(begun: Begun): ByteSource;
}

export interface MirrorOptions extends PlacesOptions {
  readonly checksumDeclared: boolean;
}

/** @throws as fromFirstPlace. */
export function openMirrors(mirrors: readonly Mirror[], options: MirrorOptions): Promise<ByteSource> {
  return fromFirstPlace(mirrors, options, async (mirror, index) => {
    const source = await mirror.open();
    return new MirroredSource(source, mirrors, { ...options, index });
  });
}

class MirroredSource implements ByteSource {
  readonly length: number | undefined;
  readonly #mirrors: readonly Mirror[];
  readonly #options: MirrorOptions;
  #source: ByteSource;
  #index: number;
  #position = 0;
  /** Mirrors in a row that brought nothing. */
  #failed = 0;

  constructor(source: ByteSource, mirrors: readonly Mirror[], options: MirrorOptions & { readonly index: number }) {
    this.length = source.length;
    this.#source = source;
    this.#mirrors = mirrors;
    this.#options = options;
    this.#index = options.index;
  }

  async read(into: Uint8Array): Promise<number> {
    for (;;) {
      try {
        const count = await this.#source.read(into);
        this.#position += count;
        this.#failed = 0;
        return count;
      } catch (error) {
        await this.#next(error);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }

  async #next(error: unknown): Promise<void> {
    const { signal, logger, checksumDeclared } = this.#options;
    signal.throwIfAborted();
    if (!(error instanceof VolprimeError)) throw error;
    this.#failed += 1;
    this.#index = (this.#index + 1) % this.#mirrors.length;
    const mirror = this.#mirrors[this.#index];
    if (
      !checksumDeclared ||
      this.length === undefined ||
      mirror === undefined ||
      this.#failed >= this.#mirrors.length
    ) {
      throw error;
    }
    await this.#source[Symbol.asyncDispose]();
    this.#source = mirror.goOn({ position: this.#position, length: this.length });
    logger.warn('going on at the next mirror', { byte: this.#position, after: error.message });
  }
}

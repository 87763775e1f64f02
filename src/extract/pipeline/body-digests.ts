/**
 * The digests of the bodies. Each is taken in the thread that has the time: of what is compressed in the main thread, as the decode thread has the
 * most to do then; of everything else in the decode thread, where the bytes only pass through, while a fast network keeps the main thread busy.
 */
import { compressionOf } from '../decode/content.ts';
import { createDigest, type Digest } from '../digest.ts';
import type { Layer } from '../job.ts';

export class BodyDigests {
  /** As in DecodeTask. */
  readonly elsewhere: SharedArrayBuffer;
  readonly #layers: readonly Layer[];
  /** Undefined where the decode stage takes it. */
  readonly #taken: (string | undefined)[] = [];

  constructor(layers: readonly Layer[]) {
    this.#layers = layers;
    this.elsewhere = new SharedArrayBuffer(layers.length * Uint32Array.BYTES_PER_ELEMENT);
  }

  /** @param head what came of the next body first. @returns what is to see all of it, here. */
  begin(head: Buffer): Digest | undefined {
    const index = this.#taken.length;
    const layer = this.#layers[index];
    if (layer === undefined) throw new RangeError('there are more bodies than layers');
    if (compressionOf(head) !== undefined) return createDigest(layer.checksum);
    Atomics.store(new Uint32Array(this.elsewhere), index, 1);
    return undefined;
  }

  end(digest: Digest | undefined): void {
    this.#taken.push(digest?.result());
  }

  /** @param others those that the decode stage took, in order. @returns all. */
  with(others: readonly string[]): string[] {
    const rest = others.values();
    return this.#taken.map((own) => {
      const digest = own ?? rest.next().value;
      if (digest === undefined) throw new RangeError('nobody took the digest of a body');
      return digest;
    });
  }
}

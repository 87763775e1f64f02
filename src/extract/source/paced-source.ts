/** A source that gives no more bytes per second than it may; the network's own flow control slows the sender down. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ByteSource } from './source.ts';

export interface Pace {
  /** Bytes per second; undefined for as many as come. */
  readonly bandwidth: number | undefined;
  readonly signal: AbortSignal;
}

/** What may be read at once: a tenth of a second's share, so that the stream is even. */
const SLICES_PER_SECOND = 10;

export function paced(source: ByteSource, { bandwidth, signal }: Pace): ByteSource {
  if (bandwidth === undefined) return source;
  const slice = Math.max(1, Math.floor(bandwidth / SLICES_PER_SECOND));
  let allowedAt = performance.now();
  return {
    length: source.length,
    async read(into) {
      const waitMs = allowedAt - performance.now();
      if (waitMs > 0) await delay(waitMs, undefined, { signal });
      const count = await source.read(into.subarray(0, slice));
      // Time in which nothing came is not made up for.
      allowedAt = Math.max(allowedAt, performance.now() - 1000 / SLICES_PER_SECOND) + (count * 1000) / bandwidth;
      return count;
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

/** A client-side limit on requests per second: a bucket of `burst` tokens that refills at `qps`. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface RateLimit {
  /** Resolves when the request may go out. */
  take(signal: AbortSignal): Promise<void>;
}

export const noRateLimit: RateLimit = { take: () => Promise.resolve() };

export function tokenBucket(qps: number, burst: number): RateLimit {
  let tokens = burst;
  let filledAt = performance.now();
  return {
    async take(signal) {
      const now = performance.now();
      tokens = Math.min(burst, tokens + ((now - filledAt) / 1000) * qps) - 1;
      filledAt = now;
      // A debt of n tokens is this caller's place in the line.
      if (tokens < 0) await sleep((-tokens / qps) * 1000, undefined, { signal });
    },
  };
}

/** The one retry curve: doubling from a base to a cap, with jitter so that many losers of one outage do not come back in step. */

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** The delay after `failures` failures in a row (1 or more): between half and all of base * 2^(failures - 1), at most the cap. */
export function backoffDelay(backoff: Backoff, failures: number, random: () => number = Math.random): number {
  const full = Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(failures - 1, 52));
  return full * (0.5 + random() / 2);
}

/** Waiting for the cluster: a condition that is asked for again and again, and what it last saw when it never held. */
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

const SLOWEST_MS = 700;

export interface UntilOptions {
  readonly limitMs?: number;
  /** Between the first looks. */
  readonly intervalMs?: number;
}

/** What is read once it is as wanted; an error of `read` ends the wait at once. */
export async function until<T>(
  what: string,
  read: () => T | Promise<T>,
  wanted: (value: T) => boolean = Boolean,
  { limitMs = 120_000, intervalMs = 100 }: UntilOptions = {},
): Promise<T> {
  const begin = performance.now();
  const end = begin + limitMs;
  for (;;) {
    const value = await read();
    if (wanted(value)) return value;
    if (performance.now() > end) throw new Error(`${what}: not within ${limitMs / 1000} s; last seen ${show(value)}`);
    // What takes long is asked for less often: many wait at a time, and each look costs the API server something.
    await delay(Math.max(intervalMs, Math.min((performance.now() - begin) / 10, SLOWEST_MS)));
  }
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 6, maxArrayLength: 50, breakLength: 160 });
}

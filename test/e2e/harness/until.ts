/** Waiting for the cluster: a condition that is asked for again and again, and what it last saw when it never held. */
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface UntilOptions {
  readonly limitMs?: number;
  readonly intervalMs?: number;
}

/** What is read once it is as wanted; an error of `read` ends the wait at once. */
export async function until<T>(
  what: string,
  read: () => T | Promise<T>,
  wanted: (value: T) => boolean = Boolean,
  { limitMs = 120_000, intervalMs = 150 }: UntilOptions = {},
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await read();
    if (wanted(value)) return value;
    if (performance.now() > end) throw new Error(`${what}: not within ${limitMs / 1000} s; last seen ${show(value)}`);
    await delay(intervalMs);
  }
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 6, maxArrayLength: 50, breakLength: 160 });
}

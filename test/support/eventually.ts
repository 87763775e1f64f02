/** Waiting for a condition, never for a time: polls until the value is as wanted, and says what it last saw when it never is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

export async function eventually<T>(
  what: string,
  read: () => T | Promise<T>,
  wanted: (value: T) => boolean = Boolean,
  limitMs = 20_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  let last: T;
  do {
    last = await read();
    if (wanted(last)) return last;
    await sleep(5);
  } while (performance.now() < end);
  throw new Error(`${what}: not within ${limitMs} ms; last seen ${inspect(last, { depth: 4 })}`);
}

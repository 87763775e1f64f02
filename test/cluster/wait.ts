/** Waiting for a condition. Every wait says at its end what it last saw. */
import { setTimeout as delay } from 'node:timers/promises';

export type Observation = { readonly done: true } | { readonly done: false; readonly seen: string };

export interface Wait {
  readonly what: string;
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  /** An exception ends the wait at once. */
  readonly check: () => Observation | Promise<Observation>;
}

export async function waitFor(wait: Wait): Promise<void> {
  const deadline = Date.now() + wait.timeoutMs;
  for (;;) {
    const observation = await wait.check();
    if (observation.done) return;
    if (Date.now() > deadline) {
      throw new Error(`waited ${wait.timeoutMs / 1000} s for ${wait.what}; last seen: ${observation.seen}`);
    }
    await delay(wait.intervalMs ?? 100);
  }
}

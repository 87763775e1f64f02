import { type LocalFacts, noLocalFacts } from './observation.ts';
import type { Waiting } from './action.ts';

/** What is kept of one claim between reconciles, in this process only. */
interface Entry {
  local: LocalFacts;
  waiting: { readonly reason: string; readonly since: number } | undefined;
}

/**
 * Answers of plugin calls and the start of the current wait, per claim UID.
 * Bounded by the claims in flight: the controller forgets a claim as soon as it is at rest.
 */
export class Memory {
  readonly #entries = new Map<string, Entry>();

  localOf(uid: string): LocalFacts {
    return this.#entries.get(uid)?.local ?? noLocalFacts;
  }

  update(uid: string, change: Partial<LocalFacts>): void {
    const entry = this.#entry(uid);
    entry.local = { ...entry.local, ...change };
  }

  /** Since when (epoch milliseconds) the claim waits for this reason. */
  waitingSince(uid: string, waiting: Waiting, now: number): number {
    const entry = this.#entry(uid);
    if (entry.waiting?.reason !== waiting.reason) {
      entry.waiting = { reason: waiting.reason, since: now };
    }
    return entry.waiting?.since ?? now;
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
  }

  #entry(uid: string): Entry {
    let entry = this.#entries.get(uid);
    if (entry === undefined) {
      entry = { local: noLocalFacts, waiting: undefined };
      this.#entries.set(uid, entry);
    }
    return entry;
  }
}

/** A claim counts as moving for so long after its last step. */
const MOVING_MS = 500;
/** Tidying up is put off so long at most. */
const PATIENCE_MS = 10_000;

/**
 * Hand over first, tidy up later. When many claims come at once, removing the remains of those that are bound competes with those that still
 * wait for their volume; nearly half of all writes are such remains. So a bound claim's remains wait while other claims move, but not for ever.
 */
export class Pace {
  #last: { readonly uid: string; readonly at: number } | undefined;
  readonly #since = new Map<string, number>();

  /** A claim without its volume has taken a step. */
  moved(uid: string, now: number): void {
    this.#last = { uid, at: now };
  }

  /** Whether the remains of this claim should wait: another claim has moved a moment ago. */
  shouldYield(uid: string, now: number): boolean {
    const since = this.#since.get(uid) ?? now;
    this.#since.set(uid, since);
    const othersMove = this.#last !== undefined && this.#last.uid !== uid && now - this.#last.at < MOVING_MS;
    return othersMove && now - since < PATIENCE_MS;
  }

  forget(uid: string): void {
    this.#since.delete(uid);
  }
}

/** A claim whose last step is longer ago waits for something slow, and is nobody to give way to. */
const MOVING_MS = 5_000;
/** Tidying up is put off so long at most. */
const PATIENCE_MS = 30_000;

/**
 * Hand over first, tidy up later. When many claims come at once, removing the remains of those that are bound competes with those that still
 * wait for their volume: nearly half of all writes are such remains, and the PV controller binds with a single worker. So the remains of a
 * bound claim wait while other claims are on their way, but not for ever.
 */
export class Pace {
  /** Claims on their way by their last step, the oldest first. */
  readonly #moving = new Map<string, number>();
  readonly #since = new Map<string, number>();

  /** A claim without its volume has taken a step. */
  moved(uid: string, now: number): void {
    this.#moving.delete(uid);
    this.#moving.set(uid, now);
  }

  /** The claim has its volume: whether its remains should wait for other claims. */
  shouldYield(uid: string, now: number): boolean {
    this.#moving.delete(uid);
    this.#dropResting(now);
    const since = this.#since.get(uid) ?? now;
    this.#since.set(uid, since);
    return this.#moving.size > 0 && now - since < PATIENCE_MS;
  }

  /** The claim is at rest, or gone. */
  forget(uid: string): void {
    this.#moving.delete(uid);
    this.#since.delete(uid);
  }

  #dropResting(now: number): void {
    for (const [uid, at] of this.#moving) {
      if (now - at < MOVING_MS) return;
      this.#moving.delete(uid);
    }
  }
}

/**
 * How many connections one body is worth: more while the reader waits for bytes and more connections bring more of them together, fewer
 * where they did not. Pure: it is told the time and what has come.
 */

/** Totals since the beginning. */
export interface Sample {
  readonly atMs: number;
  readonly bytes: number;
  /** Time in which the reader had nothing to do but wait. */
  readonly waitedMs: number;
}

const STEPS = [1, 4, 16] as const;
const WINDOW_MS = 100;
/** Below that the reader is the slower side, and more connections would only fill memory. */
const WAITING = 0.5;
/** What a step must bring: less is noise, or a link that is full. */
const GAIN = 1.15;
/** After a step that brought nothing. */
const CONTENT_MS = 60_000;

export class Width {
  #step = 0;
  #since: Sample = { atMs: 0, bytes: 0, waitedMs: 0 };
  /** The rate at the step before, until this one has been judged. */
  #before: number | undefined;
  /** A window in which new connections are only being opened is not judged. */
  #settling = false;
  #contentUntilMs = 0;

  get connections(): number {
    return STEPS[this.#step] ?? 1;
  }

  /** Something went wrong that more connections than one may have caused. */
  giveUp(): void {
    this.#step = 0;
    this.#contentUntilMs = Infinity;
  }

  observe(now: Sample): void {
    const elapsedMs = now.atMs - this.#since.atMs;
    if (elapsedMs < WINDOW_MS) return;
    const rate = (now.bytes - this.#since.bytes) / elapsedMs;
    const waiting = (now.waitedMs - this.#since.waitedMs) / elapsedMs;
    this.#since = now;
    if (this.#settling) this.#settling = false;
    else if (waiting >= WAITING && now.atMs >= this.#contentUntilMs) this.#judge(rate, now.atMs);
  }

  #judge(rate: number, atMs: number): void {
    const before = this.#before;
    this.#before = undefined;
    if (before !== undefined && rate < before * GAIN) {
      this.#step -= 1;
      this.#contentUntilMs = atMs + CONTENT_MS;
    } else if (this.#step + 1 < STEPS.length) {
      this.#before = rate;
      this.#step += 1;
      this.#settling = true;
    }
  }
}

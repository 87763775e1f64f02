/** How often and how fast something that failed is tried again: exponential delays with jitter, from one progress to the next. */
import { setTimeout as delay } from 'node:timers/promises';
import type { VolprimeError } from '../../../sdk/index.ts';

export interface RetryPolicy {
  /** Tries until the source has answered once. Few: whoever started this attempt will start another. */
  readonly toOpen: number;
  /** Tries in a row without progress to go on with a body, whose part so far would be lost. */
  readonly toGoOn: number;
  readonly baseMs: number;
  /** Of a delay, and of a Retry-After that is waited for here. */
  readonly capMs: number;
}
export const defaultRetryPolicy: RetryPolicy = { toOpen: 3, toGoOn: 8, baseMs: 500, capMs: 30_000 };

/** What another try of the same request may mend within a minute. */
const TRANSIENT = new Set(['SourceUnreachable', 'SourceBusy', 'SourceStalled', 'SourceTruncated']);

export class Retries {
  readonly #policy: RetryPolicy;
  readonly #attempts: number;
  readonly #signal: AbortSignal;
  #failures = 0;

  constructor(policy: RetryPolicy, purpose: 'toOpen' | 'toGoOn', signal: AbortSignal) {
    this.#policy = policy;
    this.#attempts = policy[purpose];
    this.#signal = signal;
  }

  progressed(): void {
    this.#failures = 0;
  }

  /**
   * Waits until the next try.
   * @throws the error itself where another try is of no use, or not before a longer time than anybody should wait here.
   */
  async after(error: VolprimeError): Promise<void> {
    this.#signal.throwIfAborted();
    this.#failures += 1;
    const { baseMs, capMs } = this.#policy;
    const asked = error.retry.type === 'after' ? error.retry.ms : 0;
    if (!TRANSIENT.has(error.code) || this.#failures >= this.#attempts || asked > capMs) throw error;
    const backoff = Math.min(baseMs * 2 ** (this.#failures - 1), capMs);
    await delay(Math.max(asked, backoff * (0.5 + Math.random() / 2)), undefined, { signal: this.#signal });
  }
}

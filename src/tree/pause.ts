/** Lets other work of this process go on, and a stop be noticed, in the middle of a long run of system calls. */
import { setImmediate } from 'node:timers/promises';

const TURN_MS = 20;

export class Pause {
  readonly #signal: AbortSignal;
  #since = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** To be asked often; it costs next to nothing. */
  get isDue(): boolean {
    return performance.now() - this.#since > TURN_MS;
  }

  /** @throws the signal's reason once that is aborted. */
  async take(): Promise<void> {
    this.#signal.throwIfAborted();
    await setImmediate();
    this.#since = performance.now();
  }
}

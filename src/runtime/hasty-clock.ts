/**
 * Measures time that has passed, in milliseconds, as the monotonic clock or the wall clock has it, whichever says more. The monotonic
 * clock stands still while a machine is suspended, the wall clock can be set back: who asks "is my time over?" must not be fooled by
 * either. Never use it to ask whether somebody else's time is over.
 */
export interface Mark {
  readonly monotonic: number;
  readonly wall: number;
}

export interface HastyClock {
  mark(): Mark;
  since(mark: Mark): number;
}

export const hastyClock: HastyClock = {
  mark: () => ({ monotonic: performance.now(), wall: Date.now() }),
  since: (mark) => Math.max(performance.now() - mark.monotonic, Date.now() - mark.wall),
};

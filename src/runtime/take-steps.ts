/** What every reconcile that works in small steps (observe, decide, act, report) does between two of them. */
import { VolprimeError } from '../api/errors.ts';
import { unwrap } from '../api/foreign.ts';
import type { Outcome } from './outcome.ts';
import type { ReconcileResult } from './reconcile.ts';

/** Time for the caches to catch up after a precondition failed. */
export const STALE_MS = 50;

export interface Steps {
  /** What is worked on, for the error. */
  readonly what: string;
  /** More in one run than this is a loop, and must not spin. */
  readonly most: number;
  readonly signal: AbortSignal;
}

/** Nothing is left to do now but wait, for a change or for a time. */
export interface Rest {
  readonly type: 'rest';
  readonly result: ReconcileResult;
}

export function rest(result: ReconcileResult = {}): Rest {
  return { type: 'rest', result };
}

/**
 * Takes one step after the other until one comes to rest, or finds the world not as it was observed.
 *
 * @throws VolprimeError with the reason of a step that is blocked; `TooManySteps`; the signal's reason, between steps.
 */
export async function takeSteps(
  { what, most, signal }: Steps,
  step: () => Promise<Outcome | Rest>,
): Promise<ReconcileResult> {
  for (let taken = 0; taken < most; taken++) {
    signal.throwIfAborted();
    const became = await step();
    switch (became.type) {
      case 'done':
        continue;
      case 'rest':
        return became.result;
      case 'stale':
        return { requeueAfterMs: STALE_MS };
      case 'blocked':
        throw new VolprimeError(became.reason, unwrap(became.message));
    }
  }
  throw new VolprimeError('TooManySteps', `${what} took ${most} steps in one run without coming to rest`);
}

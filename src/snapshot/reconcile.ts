import { VolprimeError } from '../api/errors.ts';
import type { ReconcileContext, ReconcileResult } from '../runtime/index.ts';
import { act } from './act.ts';
import type { SnapshotContext, StepContext } from './context.ts';
import { decide } from './decide.ts';
import { observe } from './observe.ts';
import { report } from './report.ts';

/** A capture takes less than ten steps; more in one run than this is a loop, and must not spin. */
const MAX_STEPS = 40;
/** Time for the caches to catch up after a precondition failed. */
const STALE_MS = 50;

/** Takes the content with this UID as far as it goes now: observe, decide, act, report, until there is nothing to do but wait. */
export async function reconcileContent(
  base: SnapshotContext,
  uid: string,
  run: ReconcileContext,
): Promise<ReconcileResult> {
  const context: StepContext = { ...base, logger: run.logger, signal: run.signal, now: run.now };
  for (let step = 0; step < MAX_STEPS; step++) {
    run.signal.throwIfAborted();
    const observation = observe(context, uid);
    const action = decide(observation, context.now());
    if (action.type === 'Ignore') {
      context.memory.forget(uid);
      return {};
    }
    const outcome = await act(context, observation, action);
    report(context, observation, action, outcome);
    if (outcome.type === 'stale') return { requeueAfterMs: STALE_MS };
    // What a plugin's call came to is in memory, with the time of the next one: decided again at once.
    if (outcome.type === 'blocked' && !isCall(action.type)) throw new VolprimeError(outcome.reason, outcome.message);
    if (action.type === 'Wait') return waitUntil(action.waiting.until, context.now());
  }
  throw new VolprimeError('TooManySteps', `content ${uid} took ${MAX_STEPS} steps in one run without coming to rest`);
}

function isCall(type: string): boolean {
  return type === 'CallDelete' || type === 'CallCleanup';
}

function waitUntil(until: number | undefined, now: number): ReconcileResult {
  return until === undefined ? {} : { requeueAfterMs: Math.max(0, until - now) };
}

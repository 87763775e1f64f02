import { done, type ReconcileContext, type ReconcileResult, rest, takeSteps } from '../runtime/index.ts';
import { act } from './act.ts';
import type { SnapshotContext, StepContext } from './context.ts';
import { decide } from './decide.ts';
import { observe } from './observe.ts';
import { report } from './report.ts';

/** A capture takes less than ten steps; more in one run than this is a loop, and must not spin. */
const MAX_STEPS = 40;

/** Takes the content with this UID as far as it goes now: observe, decide, act, report, until there is nothing to do but wait. */
export function reconcileContent(base: SnapshotContext, uid: string, run: ReconcileContext): Promise<ReconcileResult> {
  const context: StepContext = { ...base, logger: run.logger, signal: run.signal, now: run.now };
  return takeSteps({ what: `content ${uid}`, most: MAX_STEPS, signal: run.signal }, async () => {
    const observation = observe(context, uid);
    const action = decide(observation, context.now());
    if (action.type === 'Ignore') {
      context.memory.forget(uid);
      return rest();
    }
    const outcome = await act(context, observation, action);
    report(context, observation, action, outcome);
    if (action.type === 'Wait') return rest(waitUntil(action.waiting.until, context.now()));
    // What a plugin's call came to is in memory, with the time of the next one: decided again at once.
    return outcome.type === 'blocked' && isCall(action.type) ? done : outcome;
  });
}

function isCall(type: string): boolean {
  return type === 'CallDelete' || type === 'CallCleanup';
}

function waitUntil(until: number | undefined, now: number): ReconcileResult {
  return until === undefined ? {} : { requeueAfterMs: Math.max(0, until - now) };
}

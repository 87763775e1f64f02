import { type ReconcileContext, type ReconcileResult, rest, takeSteps } from '../runtime/index.ts';
import { act } from './act.ts';
import type { ActionType } from './action.ts';
import type { PopulateContext, StepContext } from './context.ts';
import { crashPoint } from './crash-point.ts';
import { decide } from './decide.ts';
import { observe } from './observe.ts';
import { isDeleting, isFullyBound } from './facts.ts';
import type { Observation } from './observation.ts';
import { report } from './report.ts';

/** A claim takes about a dozen steps; more in one run than this is a loop, and must not spin. */
const MAX_STEPS = 40;

/** How often remains that wait for their turn ask again. */
const YIELD_MS = 1_000;
/** Not a step: asking how things stand can go on for hours. */
const looking: ReadonlySet<ActionType> = new Set([
  'Wait',
  'Prepare',
  'Renew',
  'ReviewPod',
  'LookForNode',
  'CallComplete',
  'ReadProgress',
  'RecordProgress',
]);

/**
 * Takes the claim with this UID as far as it goes now: observe, decide, act, report, until there is nothing to do but wait.
 * What an action wrote is seen at once through the stores, so that a run need not wait for its own watch events.
 */
export function reconcileClaim(base: PopulateContext, uid: string, run: ReconcileContext): Promise<ReconcileResult> {
  const context: StepContext = { ...base, logger: run.logger, signal: run.signal, now: run.now };
  return takeSteps({ what: `claim ${uid}`, most: MAX_STEPS, signal: run.signal }, async () => {
    const observation = observe(context, uid);
    const action = decide(observation, context.now());
    if (action.type === 'Ignore') {
      context.memory.forget(uid);
      context.pace.forget(uid);
      return rest();
    }
    if (isHandedOver(observation)) {
      if (context.pace.shouldYield(uid, context.now())) return rest({ requeueAfterMs: YIELD_MS });
    } else if (!looking.has(action.type)) context.pace.moved(uid, context.now());
    crashPoint(context, observation, 'before', action.type);
    const outcome = await act(context, observation, action);
    crashPoint(context, observation, 'after', action.type);
    const { requeueAfterMs } = await report(context, observation, action, outcome);
    return action.type === 'Wait' ? rest(requeueAfterMs === undefined ? {} : { requeueAfterMs }) : outcome;
  });
}

/** The user has what he asked for; what is left to do is ours alone. */
function isHandedOver({ claim }: Observation): boolean {
  return claim !== undefined && !isDeleting(claim) && isFullyBound(claim);
}

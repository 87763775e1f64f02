import { backoffMs } from '../runtime/index.ts';
import { excusedOf, failuresOf } from './facts.ts';
import type { Action } from './action.ts';
import type { Failure, Observation } from './observation.ts';

/** Records a failure, and decides whether it is the last one. */
export function failureAction(o: Observation, reported: Failure, now: number): Action {
  const failure = withCleanTarget(o, reported);
  const failures = failuresOf(o.population) + 1;
  const limit = o.plugin?.maxAttempts ?? Number.POSITIVE_INFINITY;
  const excused = excusedOf(o.population) + (failure.excused === true ? 1 : 0);
  const final = failure.scope === 'permanent' || (failure.excused !== true && failures - excused >= limit);
  const wait = failure.afterMs ?? backoffMs(failures, o.uid);
  return { type: 'RecordFailure', failure, final, nextAttemptAt: final ? undefined : now + wait };
}

/**
 * A populator pod wipes the volume first; without a pod, only a new volume is known to be clean. A plugin that chooses its way is asked anew,
 * which takes a new volume, too.
 */
function withCleanTarget(o: Observation, failure: Failure): Failure {
  const { path, choosesPath = false } = o.plugin ?? {};
  const needsNew = (path === 'podless' || choosesPath) && failure.scope === 'attempt' && o.prime !== undefined;
  return needsNew ? { ...failure, discardPrime: true } : failure;
}

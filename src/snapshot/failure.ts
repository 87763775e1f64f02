import { type Text, unwrap } from '../api/foreign.ts';
import { backoffMs, type CallFailure } from '../runtime/index.ts';
import { cutVisible } from '../visible.ts';
import { withoutCredentials } from '../without-credentials.ts';
import type { Action } from './action.ts';
import type { Observation } from './observation.ts';

/** What no repetition can mend is tried again so often: there is no terminal state in the API, and a Secret may have been put right. */
const FINAL_RETRY_MS = 5 * 60_000;

/** Tells a failed call. A capture that failed for good is over, and is begun anew after a while. */
export function failureAction(o: Observation, failure: CallFailure, now: number): Action {
  const final = failure.scope !== 'call';
  const wait =
    failure.afterMs ?? (failure.scope === 'permanent' ? FINAL_RETRY_MS : backoffMs(o.local.failures + 1, o.uid));
  return { type: 'RecordFailure', failure, final, retryAt: now + wait };
}

/** What stands in `status.error.message`: for whoever may read the snapshot. */
export function errorText({ reason, message }: Pick<CallFailure, 'reason' | 'message'>): string {
  return cutVisible(`${reason}: ${plainText(message)}`, 2048);
}

/**
 * A plugin's own words may quote a URL. All of a text is for readers of the snapshot: pods and Secret of a capture are in the snapshot's own namespace.
 */
export function plainText(text: Text): string {
  return withoutCredentials(unwrap(text));
}

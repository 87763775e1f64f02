import type { CallFailure } from '../runtime/index.ts';
import type { CaptureRecord } from './record.ts';

/** Nothing to write now, and why. */
export interface Waiting {
  readonly reason: string;
  readonly message: string;
  /** Look again at this time (epoch milliseconds) even if nothing changes. */
  readonly until?: number;
  /** Somebody who waits for the deletion should know: told with an event. */
  readonly telling?: true;
}

/** Members of a content's status that are written once. */
export interface Facts {
  readonly handle?: string;
  readonly cutAt?: Date;
  readonly restoreSize?: number;
}

/** One step in the life of a content. Each is small, idempotent and guarded by preconditions, so that it can be repeated after any crash. */
export type Action =
  | { readonly type: 'Ignore'; readonly why: string }
  | { readonly type: 'Wait'; readonly waiting: Waiting }
  // S0 to S3: the capture.
  | { readonly type: 'BeginCapture'; readonly record: CaptureRecord }
  | { readonly type: 'CallSnapshot'; readonly record: CaptureRecord }
  | { readonly type: 'CallComplete'; readonly handle: string }
  | { readonly type: 'RecordFacts'; readonly facts: Facts; readonly ready: boolean }
  | { readonly type: 'RecordProgress'; readonly text: string }
  /** `final`: the capture is over; it is begun anew at `retryAt`. */
  | {
      readonly type: 'RecordFailure';
      readonly failure: CallFailure;
      readonly final: boolean;
      readonly retryAt: number | undefined;
    }
  /** The outcome is certain and nothing of the work is left. */
  | { readonly type: 'EndCapture' }
  // S5: the deletion.
  | { readonly type: 'CallDelete'; readonly handle: string }
  /** The data stays where it is: nobody can remove it any more. */
  | { readonly type: 'AbandonData'; readonly handle: string; readonly because: string }
  | { readonly type: 'ClearStatus' }
  | { readonly type: 'CallCleanup' }
  | { readonly type: 'SkipCleanup' }
  | { readonly type: 'ReleaseContent' };

export type ActionType = Action['type'];
export type ActionOf<T extends ActionType> = Extract<Action, { type: T }>;

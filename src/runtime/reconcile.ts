/**
 * The contract between a controller loop and the code that reconciles.
 *
 * A reconcile is given a key, never an event: it looks at what is there and moves it one step towards what should be. It must be
 * idempotent, since it can run again at any time: after a change, a restart, or for no reason at all.
 *
 * - returns `{}`: nothing to do until something changes; the key's backoff is reset
 * - returns `{ requeueAfterMs }`: look again after that time even if nothing changes; the key's backoff is reset
 * - throws an error with `retry: never`: counted and logged, not retried until something changes
 * - throws an error with `retry: after`: retried after that time
 * - throws anything else: retried with exponential backoff
 *
 * One key is never reconciled twice at the same time; different keys are.
 */
import type { Logger } from '../telemetry/index.ts';

export interface ReconcileContext {
  /** Its lines carry controller, key and a reconcileId of this one run. */
  readonly logger: Logger;
  /** Fires when the run's time is over, when leadership is lost, or on shutdown. Pass it to every call. */
  readonly signal: AbortSignal;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
}

export interface ReconcileResult {
  readonly requeueAfterMs?: number;
}

export type Reconcile<K extends string = string> = (key: K, context: ReconcileContext) => Promise<ReconcileResult>;

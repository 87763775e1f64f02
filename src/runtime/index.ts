/**
 * The controller framework: work queue, reconcile loop, leader election, events, conditions, finalizers, and the manager that runs them.
 * Called by every controller folder and by the composition root. Must know nothing of volumes.
 */
export { type ConditionUpdate, conditionOf, setCondition } from './conditions.ts';
export { Controller, type ControllerOptions } from './controller.ts';
export {
  ApiEventRecorder,
  type ApiEventRecorderOptions,
  type EventDraft,
  type EventRecorder,
  referenceTo,
} from './event-recorder.ts';
export { type FinalizerPatch, hasFinalizer, withFinalizer, withoutFinalizer } from './finalizers.ts';
export { type CallFailure, type CallResult, callPlugin, describeFailure } from './foreign-call.ts';
export { Leader, type LeaderOptions, type LeaderTimings } from './leader.ts';
export { Manager, type ManagerEnd, type ManagerOptions, type Runnable } from './manager.ts';
export { done, type Outcome, settle, settleDelete, stale } from './outcome.ts';
export type { Reconcile, ReconcileContext, ReconcileResult } from './reconcile.ts';
export { backoffMs } from './steady-backoff.ts';
export { rest, STALE_MS, takeSteps } from './take-steps.ts';
export { terminationSignal } from './termination.ts';
export { WorkQueue, type WorkQueueOptions } from './work-queue.ts';
export { gated, type Leadership } from './write-gate.ts';

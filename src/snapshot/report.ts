/** Turns what was decided and what came of it into events and metrics. Never changes what happens next. */
import type { EventDraft, Outcome } from '../runtime/index.ts';
import type { Action, ActionOf, Waiting } from './action.ts';
import type { StepContext } from './context.ts';
import * as events from './events.ts';
import { errorText, plainText } from './failure.ts';
import { isReady } from './facts.ts';
import type { Operation, OperationResult } from './metrics.ts';
import type { Observation } from './observation.ts';
import { snapshotParams } from './plugin-params.ts';

export function report(context: StepContext, o: Observation, action: Action, outcome: Outcome): void {
  switch (outcome.type) {
    case 'stale':
      return context.metrics.writeConflicts.inc({ action: action.type });
    case 'blocked':
      return reportBlocked(context, o, action, outcome);
    case 'done':
      return reportStep(context, o, action);
  }
}

function reportBlocked(
  context: StepContext,
  o: Observation,
  action: Action,
  words: Outcome & { type: 'blocked' },
): void {
  context.metrics.failures.inc({ driver: driverOf(o), reason: words.reason });
  if (action.type === 'CallDelete') emit(context, events.removalFailed(o, words));
  else context.logger.warn(`${action.type}: ${plainText(words.message)}`, { reason: words.reason });
}

function reportStep(context: StepContext, o: Observation, action: Action): void {
  if (action.type !== 'Wait' && action.type !== 'CallComplete')
    context.logger.debug('step done', { action: action.type });
  switch (action.type) {
    case 'Wait':
      return reportWait(context, o, action.waiting);
    case 'RecordFailure':
      return reportFailure(context, o, action);
    case 'RecordFacts':
      return action.ready ? reportReady(context, o) : undefined;
    case 'AbandonData':
      return reportAbandoned(context, o, action);
    case 'SkipCleanup':
      return emit(context, events.cleanupSkipped(o));
    case 'ReleaseContent':
      return observe(context, o, {
        operation: 'delete',
        result: removalResult(o),
        since: o.content?.metadata.deletionTimestamp,
      });
    default:
  }
}

function reportWait(context: StepContext, o: Observation, waiting: Waiting): void {
  if (waiting.telling !== true || o.local.told === waiting.reason) return;
  context.memory.update(o.uid, { told: waiting.reason });
  emit(context, events.waiting(o, waiting));
}

/** The same words again are no news: they stand in the status. */
function reportFailure(context: StepContext, o: Observation, { failure }: ActionOf<'RecordFailure'>): void {
  context.metrics.failures.inc({ driver: driverOf(o), reason: failure.reason });
  if (o.content?.status?.error?.message !== errorText(failure)) emit(context, events.captureFailed(o, failure));
}

function reportReady(context: StepContext, o: Observation): void {
  const operation = o.record === undefined ? 'import' : 'create';
  observe(context, o, { operation, result: 'success', since: o.content?.metadata.creationTimestamp });
  context.metrics.bytes.inc({ driver: driverOf(o) }, o.local.answer?.progress?.bytesDone ?? 0);
}

function reportAbandoned(context: StepContext, o: Observation, { handle, because }: ActionOf<'AbandonData'>): void {
  const { secret: named } = snapshotParams(context, o);
  const secret = named === undefined ? 'it has no Secret' : `Secret ${named.namespace}/${named.name}`;
  context.logger.warn('the data of a snapshot is left in its repository', { handle, secret, because });
  emit(context, events.dataLeft(o, { handle, secret, because }));
}

function removalResult(o: Observation): OperationResult {
  const { failures, lastError } = o.local.removal;
  if (failures > 0 && lastError !== undefined && !o.local.removal.done) return 'abandoned';
  return o.content !== undefined && isReady(o.content) ? 'success' : 'cancelled';
}

interface Ended {
  readonly operation: Operation;
  readonly result: OperationResult;
  readonly since: string | undefined;
}

function observe(context: StepContext, o: Observation, { operation, result, since }: Ended): void {
  const seconds = (context.now() - Date.parse(since ?? '')) / 1000;
  if (Number.isFinite(seconds))
    context.metrics.operationSeconds.observe(Math.max(0, seconds), { driver: driverOf(o), operation, result });
}

function driverOf(o: Observation): string {
  return o.plugin?.driver ?? 'unknown';
}

function emit(context: StepContext, event: EventDraft | undefined): void {
  if (event !== undefined) context.events.emit(event);
}

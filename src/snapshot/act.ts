import { done, type Outcome } from '../runtime/index.ts';
import type { Action, ActionOf } from './action.ts';
import type { StepContext } from './context.ts';
import {
  beginCapture,
  clearStatus,
  endCapture,
  recordError,
  recordFacts,
  recordProgress,
  releaseContent,
} from './effects/content.ts';
import { callCleanup, callComplete, callDelete, callSnapshot } from './effects/plugin.ts';
import { isBeingCreated } from './facts.ts';
import type { LocalFacts, Observation } from './observation.ts';

/** Carries out exactly this action. Idempotent: done twice it is as done once, and after a crash it can be repeated. */
export async function act(context: StepContext, o: Observation, action: Action): Promise<Outcome> {
  const remember = (change: Partial<LocalFacts>) => context.memory.update(o.uid, change);
  switch (action.type) {
    case 'Ignore':
    case 'Wait':
      return done;
    case 'BeginCapture':
      remember({ answer: undefined, cleaned: false, cleanupFailures: 0, ended: false });
      return beginCapture(context, o, action.record);
    case 'CallSnapshot':
      return callSnapshot(context, o, action.record);
    case 'CallComplete':
      return callComplete(context, o, action.handle);
    case 'RecordFacts':
      return recordFacts(context, o, action.facts, action.ready);
    case 'RecordProgress':
      remember({ progressAt: context.now() });
      return recordProgress(context, o, action.text);
    case 'RecordFailure':
      return recordFailure(context, o, action);
    case 'EndCapture':
      return after(await endCapture(context, o), () => remember({ ended: false, answer: undefined }));
    case 'CallDelete':
      return callDelete(context, o, action.handle);
    case 'AbandonData':
      remember({ removal: { ...o.local.removal, done: true } });
      return done;
    case 'ClearStatus':
      return clearStatus(context, o);
    case 'CallCleanup':
      return callCleanup(context, o);
    case 'SkipCleanup':
      remember({ cleaned: true });
      return done;
    case 'ReleaseContent':
      return releaseContent(context, o);
  }
}

/** The failure leaves memory only when it stands in the status. */
async function recordFailure(
  context: StepContext,
  o: Observation,
  { failure, final, retryAt }: ActionOf<'RecordFailure'>,
): Promise<Outcome> {
  const ended = final && o.content !== undefined && isBeingCreated(o.content);
  return after(await recordError(context, o, failure), () =>
    context.memory.update(o.uid, {
      failure: undefined,
      answer: undefined,
      ...(retryAt !== undefined && { retryAt, failures: o.local.failures + 1 }),
      ...(ended && { ended }),
    }),
  );
}

function after(outcome: Outcome, remember: () => void): Outcome {
  if (outcome.type === 'done') remember();
  return outcome;
}

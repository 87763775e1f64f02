/** Turns what was decided and what came of it into conditions, events and metrics. Never changes what happens next. */
import { podName } from '../api/names.ts';
import type { KubeObject, Volume } from '../api/objects.ts';
import type { Population } from '../api/population.ts';
import { isReason } from '../api/reasons.ts';
import type { Outcome } from '../runtime/index.ts';
import type { PluginState } from '../sdk/index.ts';
import type { Action, ActionOf, Waiting } from './action.ts';
import { BY_CLAIM_UID, type StepContext } from './context.ts';
import { createWaitingRecord, patchStatus } from './effects/record.ts';
import * as events from './events.ts';
import { isBoundTo, isDeleting } from './facts.ts';
import { forOwner, forSourceOwner } from './for-owner.ts';
import type { Observation } from './observation.ts';
import { sourceStoreKey } from './observe.ts';
import { waitingTold } from './status.ts';

/**
 * How long a wait must last before it is told: most are over before anybody could read of them, and each telling is a write. A source that
 * is applied together with its claim may be seen after it, and must not be called missing meanwhile.
 */
const TELL_AFTER_MS = { routine: 15_000, healthy: 2_000, progressing: 2_000, blocked: 2_000, stuck: 20_000 } as const;

export interface Report {
  /** Look again then, at the latest. */
  readonly requeueAfterMs?: number;
}

export async function report(context: StepContext, o: Observation, action: Action, outcome: Outcome): Promise<Report> {
  if (action.type === 'Wait') return reportWaiting(context, o, action.waiting);
  if (outcome.type === 'blocked') {
    const { reason, message } = outcome;
    return reportWaiting(context, o, { reason, message, mood: 'blocked' });
  }
  if (outcome.type === 'stale') context.metrics.writeConflicts.inc({ action: action.type });
  else reportStep(context, o, action);
  return {};
}

function reportStep(context: StepContext, o: Observation, action: Action): void {
  const { claim, population } = o;
  const plugin = o.plugin?.name ?? 'unknown';
  const about = claim === undefined ? undefined : { claim, population };
  context.logger.debug('step done', { action: action.type });
  switch (action.type) {
    case 'CreatePod':
      if (about !== undefined && context.memory.localOf(o.uid).failure === undefined)
        context.events.emit(events.populatorCreated(about, podName(o.uid, action.attempt)));
      return;
    case 'RecordFailure':
      context.metrics.failures.inc({ plugin, reason: reasonLabel(action.failure.reason) });
      if (about !== undefined)
        context.events.emit(events.populationFailed(about, forOwner(o, action.failure), whatNext(action)));
      if (o.dataElsewhere) tellSource(context, o, action);
      if (action.final) observeEnd(context, o, 'failed');
      return;
    case 'RecordSuccess':
      context.metrics.bytes.inc({ plugin }, population?.status?.result?.bytes ?? 0);
      if (about !== undefined) context.events.emit(events.populatorFinished(about, population?.status?.result));
      observeEnd(context, o, 'success');
      return;
    case 'DeletePrime':
      if (leavesVolume(o)) context.events.emit(events.volumeKept(claim, o.volume));
      return;
    case 'ReleaseClaim':
      if (claim !== undefined && isDeleting(claim) && population?.status?.phase !== 'Succeeded')
        observeEnd(context, o, 'cancelled');
      return;
    default:
  }
}

/** The prime goes and its volume stays. */
function leavesVolume(o: Observation): o is Observation & { readonly volume: Volume } {
  const { prime, volume } = o;
  const bound = prime !== undefined && volume !== undefined && isBoundTo(volume, prime);
  return bound && volume.spec.persistentVolumeReclaimPolicy === 'Retain' && !isDeleting(volume);
}

/** Without the time of the next try: only events that are alike are counted as one. */
function whatNext({ final, failure }: ActionOf<'RecordFailure'>): string {
  if (!final) return 'it is tried again; the Population says when';
  const over = failure.reason === 'BoundElsewhere' || failure.reason === 'DataSourceIgnored';
  return over ? 'nothing more is done' : 'stopped until the spec of the source changes';
}

/** The owner of the source reads there what the owner of the claim is not told. */
function tellSource(context: StepContext, o: Observation, action: ActionOf<'RecordFailure'>): void {
  const words = forSourceOwner(action.failure);
  context.logger.warn('a source of another namespace could not be used', {
    reason: words.reason,
    detail: words.message,
  });
  const regarding = dataObject(context, o);
  if (regarding !== undefined && o.claim !== undefined)
    context.events.emit(events.sourceFailed(regarding, o.claim, words));
}

/** The object of another namespace that the data is of: the source, or what a source of the claim's own namespace stands for. */
function dataObject(context: StepContext, o: Observation): KubeObject | undefined {
  const { source, pinned } = o.population?.spec ?? {};
  if (source === undefined || pinned === undefined) return undefined;
  if (pinned.namespace !== o.population?.metadata.namespace)
    return context.stores.sources.get(sourceStoreKey(source.group, source.kind))?.byUid(pinned.uid);
  const { name } = source;
  const { namespace, uid, generation, spec } = pinned;
  const plugin = context.plugins.ofKind(source.group, source.kind)?.plugin;
  const prepared = o.population?.status?.prepared?.state as PluginState | undefined;
  try {
    return plugin?.dataObject?.({ source: { namespace, name, uid, generation, spec }, prepared });
  } catch {
    // A spec that cannot be read names nothing.
    return undefined;
  }
}

/** A pod may give any word: only those of the vocabulary become labels. */
function reasonLabel(reason: string): string {
  return isReason(reason) ? reason : 'Other';
}

function observeEnd(context: StepContext, o: Observation, result: 'success' | 'failed' | 'cancelled'): void {
  const created = Date.parse(o.claim?.metadata.creationTimestamp ?? '');
  if (Number.isFinite(created))
    context.metrics.operationSeconds.observe(Math.max(0, context.now() - created) / 1000, { result });
}

async function reportWaiting(context: StepContext, o: Observation, waiting: Waiting): Promise<Report> {
  const now = context.now();
  const since = context.memory.waitingSince(o.uid, waiting, now);
  const tellAt = since + TELL_AFTER_MS[waiting.mood];
  const until = waiting.until ?? Number.POSITIVE_INFINITY;
  if (tellAt > now) return requeueAt(Math.min(tellAt, until), now);
  await tell(context, o, waiting);
  return requeueAt(until, now);
}

function requeueAt(at: number, now: number): Report {
  return Number.isFinite(at) ? { requeueAfterMs: Math.max(0, at - now) } : {};
}

/** One condition and one event, on change only. Nothing is told to a claim that is on its way out without a record. */
async function tell(context: StepContext, o: Observation, waiting: Waiting): Promise<void> {
  const { claim } = o;
  let { population } = o;
  if (population === undefined && claim !== undefined && !isDeleting(claim) && o.foreign?.kind !== 'Population') {
    const made = await createWaitingRecord(context, claim);
    // Without a record there is the event alone.
    if (made.type === 'blocked') context.events.emit(events.blocked({ claim, population }, forOwner(o, made)));
    if (made.type !== 'done') return;
    population = context.stores.populations.byIndex(BY_CLAIM_UID, o.uid)[0];
  }
  const shown = forOwner(o, waiting);
  if (population === undefined) {
    // The name of the record itself is taken: the event is all that there can be.
    if (claim !== undefined && o.foreign?.kind === 'Population')
      context.events.emit(events.blocked({ claim, population }, shown));
    return;
  }
  const status = waitingTold({ ...o, population }, shown, context.now());
  if (status === undefined) return;
  const told = await patchStatus(context, population, status);
  // A scheduler's words change with the cluster; the condition follows them, one event is enough.
  const news = waiting.mood === 'blocked' || (waiting.mood === 'stuck' && readyReason(population) !== shown.reason);
  if (told.type !== 'done' || !news || claim === undefined) return;
  context.events.emit(events.blocked({ claim, population }, shown));
  const { reason, message } = forSourceOwner(waiting);
  if (message !== shown.message)
    context.logger.warn('a claim with data of another namespace waits', { reason, detail: message });
}

function readyReason(population: Population): string | undefined {
  return population.status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
}

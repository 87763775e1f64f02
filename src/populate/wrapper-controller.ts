/**
 * Tells whoever made a wrapper class what is wrong with it, as Warnings on the StorageClass itself, where no tenant needs to look. Each thing
 * once while this process leads; claims that cannot go on are told on their own.
 */
import type { StorageClass } from '../api/objects.ts';
import type { Reason } from '../api/reasons.ts';
import { storageClasses } from '../api/resources.ts';
import type { InformerRegistry } from '../informer/index.ts';
import { Controller, type EventRecorder, type ReconcileResult } from '../runtime/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { isWrapper, mismatches, targetName, withWrappers, wrapperProblem } from './wrapper.ts';

export interface WrapperControllerOptions {
  readonly informers: InformerRegistry;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** A target that is applied together with its wrapper may be seen after it. */
const PATIENCE_MS = 2_000;

interface Telling {
  readonly text: string;
  readonly since: number;
  told: boolean;
}

export function createWrapperController({ informers, events, logger, metrics }: WrapperControllerOptions): Controller {
  const informer = informers.informer(storageClasses);
  const tellings = new Map<string, Telling>();
  const reconcile = (name: string, now: number): ReconcileResult => {
    const wrapper = informer.store.get({ name });
    if (wrapper === undefined || !isWrapper(wrapper)) {
      tellings.delete(name);
      return {};
    }
    const faults = faultsOf(wrapper, informer.store.get({ name: targetName(wrapper) ?? '' }));
    const text = JSON.stringify([wrapper.metadata.uid, faults]);
    const known = tellings.get(name);
    const telling = known?.text === text ? known : { text, since: now, told: false };
    tellings.set(name, telling);
    const wait = telling.since + PATIENCE_MS - now;
    if (telling.told || faults.length === 0) return {};
    if (wait > 0) return { requeueAfterMs: wait };
    telling.told = true;
    for (const { reason, message } of faults)
      events.emit({ regarding: wrapper, type: 'Warning', reason, action: 'Check', note: message });
    return {};
  };
  const controller = new Controller({
    name: 'wrapper',
    reconcile: (name, run) => Promise.resolve(reconcile(name, run.now())),
    logger,
    metrics,
    concurrency: 1,
  });
  controller.watches(informer, (change) =>
    withWrappers(informer.store.list(), (change.new ?? change.old)?.metadata.name ?? ''),
  );
  return controller;
}

interface Fault {
  readonly reason: Reason;
  readonly message: string;
}

function faultsOf(wrapper: StorageClass, target: StorageClass | undefined): readonly Fault[] {
  const problem = wrapperProblem(wrapper, target);
  if (problem !== undefined || target === undefined) return problem === undefined ? [] : [problem];
  return mismatches(wrapper, target).map((message) => ({ reason: 'WrapperClassMismatch', message }));
}

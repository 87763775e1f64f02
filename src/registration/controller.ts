/** Looks from time to time: the kind may be installed later, and a watch would cost every cluster that never has it. */
import { VolprimeError } from '../api/errors.ts';
import { volumePopulators } from '../api/volume-populator.ts';
import { ifServed, type KubeClient } from '../kube/index.ts';
import { Controller, type EventRecorder, type ReconcileContext, type ReconcileResult } from '../runtime/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { decideRegistration, type SourceKind } from './decide.ts';

export interface RegistrationControllerOptions {
  readonly client: KubeClient;
  readonly sources: readonly SourceKind[];
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Time between two looks; a minute unless told. */
  readonly intervalMs?: number;
}

export function createRegistrationController(options: RegistrationControllerOptions): Controller {
  const told = new Set<string>();
  const controller = new Controller({
    name: 'registration',
    reconcile: (_key, run) => registerAll(options, told, run),
    logger: options.logger,
    metrics: options.metrics,
    concurrency: 1,
  });
  controller.enqueue('sources');
  return controller;
}

async function registerAll(
  options: RegistrationControllerOptions,
  told: Set<string>,
  run: ReconcileContext,
): Promise<ReconcileResult> {
  const again = { requeueAfterMs: options.intervalMs ?? 60_000 };
  const page = await ifServed(options.client.listPage(volumePopulators, {}, { signal: run.signal }));
  if (page === undefined) return again;
  for (const source of options.sources) {
    const registration = decideRegistration(source, page.items);
    if (registration.type === 'name-taken') tell(options, told, { source, by: registration.by });
    if (registration.type !== 'create') continue;
    const outcome = await options.client.create(volumePopulators, registration.object, { signal: run.signal });
    if (outcome.type === 'refused') throw new VolprimeError(outcome.reason, `VolumePopulator: ${outcome.message}`);
    if (outcome.type === 'done') run.logger.info('source kind registered', { group: source.group, kind: source.kind });
  }
  return again;
}

interface Taken {
  readonly source: SourceKind;
  readonly by: Parameters<EventRecorder['emit']>[0]['regarding'];
}

/** Once for each object. */
function tell({ events, logger }: RegistrationControllerOptions, told: Set<string>, { source, by }: Taken): void {
  if (told.has(by.metadata.uid)) return;
  told.add(by.metadata.uid);
  const note =
    `VolumePopulator ${by.metadata.name} has the name under which ${source.kind}.${source.group} would be registered, and is for another kind; ` +
    'it is left alone. Remove it, or register the kind under another name.';
  logger.warn(note);
  events.emit({ regarding: by, type: 'Warning', reason: 'NameTaken', action: 'Register', note });
}

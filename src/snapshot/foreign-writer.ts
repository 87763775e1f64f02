/**
 * Looks for a second one who serves a driver of ours, such as a csi-snapshotter that runs for its name, and tells of it once. Upstream's snapshot
 * controller never writes what is looked at here. Nothing is done about the other one, and nothing is done otherwise because of it.
 */
import type { ManagedFields } from '../api/objects.ts';
import { ANNOTATION_BEING_CREATED, type VolumeSnapshotContent } from '../api/snapshots.ts';
import type { Informer, KeptManagers } from '../informer/index.ts';
import { Controller, type EventDraft } from '../runtime/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import type { SnapshotContext } from './context.ts';
import { fromContent } from './map.ts';
import type { Observation } from './observation.ts';
import { observe } from './observe.ts';

/** Keeps who else has written what only the one who serves the driver writes, by name alone. Pure. */
export function foreignManagers(own: string): KeptManagers {
  return (entries) =>
    entries
      .filter((entry) => entry.manager !== own && isOfServer(entry))
      .map(({ manager = 'unknown' }) => ({ manager }));
}

function isOfServer({ fieldsV1 }: ManagedFields): boolean {
  const annotations = member(member(fieldsV1, 'f:metadata'), 'f:annotations');
  return (
    member(fieldsV1, 'f:status') !== undefined || member(annotations, `f:${ANNOTATION_BEING_CREATED}`) !== undefined
  );
}

function member(tree: unknown, name: string): unknown {
  return typeof tree === 'object' && tree !== null ? (tree as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** What there is to say of a content that is ours to serve; undefined where nobody else has written to it. Pure. */
export function foreignWriter({ content, snapshot, plugin }: Observation): EventDraft | undefined {
  const managers = content?.metadata.managedFields ?? [];
  if (content === undefined || plugin === undefined || managers.length === 0) return undefined;
  const names = [...new Set(managers.map(({ manager = 'unknown' }) => manager))].sort().join(', ');
  const note = `${names} wrote to VolumeSnapshotContent ${content.metadata.name} what only the one who serves driver ${plugin.driver} may write, which is this controller: does a csi-snapshotter run for that name? The snapshot may be taken twice, or not be what its status says`;
  return {
    regarding: snapshot ?? content,
    ...(snapshot !== undefined && { related: content }),
    type: 'Warning',
    reason: 'ForeignSnapshotWriter',
    action: 'Snapshot',
    note,
  };
}

export interface ForeignWriterOptions
  extends Pick<SnapshotContext, 'stores' | 'plugins' | 'memory' | 'namespaces' | 'events'> {
  readonly contents: Informer<VolumeSnapshotContent>;
  readonly logger: Logger;
  readonly controllerMetrics: Metrics;
}

export function createForeignWriterController(options: ForeignWriterOptions): Controller {
  const { contents, logger, controllerMetrics: metrics } = options;
  /** The contents that are there and of which it was told. */
  const told = new Set<string>();
  const controller = new Controller({
    name: 'snapshot-foreign-writer',
    reconcile: async (uid) => {
      if (options.stores.contents.byUid(uid) === undefined) told.delete(uid);
      const event = foreignWriter(observe(options, uid));
      if (event === undefined || told.has(uid)) return {};
      told.add(uid);
      logger.warn(event.note, { reason: event.reason });
      options.events.emit(event);
      return {};
    },
    logger,
    metrics,
    concurrency: 2,
    groupOf: (uid) => options.stores.contents.byUid(uid)?.spec.volumeSnapshotRef.namespace ?? '',
  });
  controller.watches(contents, fromContent);
  return controller;
}

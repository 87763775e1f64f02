/** Wires the content controller: informers with their indexes, what each change concerns, and the reconcile. */
import { claims, volumes } from '../api/resources.ts';
import { volumeSnapshotClasses, volumeSnapshotContents, volumeSnapshots } from '../api/snapshots.ts';
import { volumeCaptures } from '../api/volume-capture.ts';
import type { InformerRegistry } from '../informer/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { Controller, type EventRecorder, type Runnable } from '../runtime/index.ts';
import type { SnapshotPlugin } from '../sdk/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import type { SnapshotContext, Stores } from './context.ts';
import { isBeingCreated } from './facts.ts';
import { contentIndexes, fromClaim, fromClass, fromContent, fromSnapshot, fromVolume, snapshotIndexes } from './map.ts';
import { Memory } from './memory.ts';
import { snapshotMetrics } from './metrics.ts';
import { createForeignWriterController, foreignManagers } from './foreign-writer.ts';
import { SnapshotPluginRegistry } from './plugin-registry.ts';
import { reconcileContent } from './reconcile.ts';
import { createHintController } from './hint.ts';
import { captureIndexes, createVolumeCaptureControllers } from './volume-capture/controller.ts';

export interface SnapshotControllerOptions {
  /** Writes only while this process leads. */
  readonly client: KubeClient;
  readonly informers: InformerRegistry;
  /** Those that the controller is confined to. */
  readonly namespaces?: readonly string[] | undefined;
  readonly plugins: readonly SnapshotPlugin[];
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Contents worked on at a time. */
  readonly concurrency: number;
  /** The name by which the API server knows the client's writes: what its user agent begins with. */
  readonly fieldManager: string;
  /** How long upstream's snapshot controller may be silent before it is called missing; 15 s unless told. */
  readonly patienceMs?: number;
}

/** Longer than any plugin call may take by default; a call's own limit ends it first. */
const RECONCILE_TIMEOUT_MS = 10 * 60_000;

/** Upstream's kinds may be installed later: until then there is nothing to see, and nothing to do. */
export function createSnapshotControllers(options: SnapshotControllerOptions): readonly Runnable[] {
  const { informers } = options;
  const plugins = new SnapshotPluginRegistry(options.plugins);
  const contents = informers.informer(volumeSnapshotContents, {
    indexes: contentIndexes,
    optional: true,
    managers: foreignManagers(options.fieldManager),
  });
  const snapshots = informers.informer(volumeSnapshots, { indexes: snapshotIndexes, optional: true });
  const classes = informers.informer(volumeSnapshotClasses, { optional: true });
  const claimInformer = informers.informer(claims);
  const volumeInformer = informers.informer(volumes);
  const stores: Stores = {
    contents: contents.store,
    snapshots: snapshots.store,
    snapshotClasses: classes.store,
    claims: claimInformer.store,
    volumes: volumeInformer.store,
  };
  const inFlight = {
    count: (driver: string) =>
      stores.contents.list().filter((content) => content.spec.driver === driver && isBeingCreated(content)).length,
  };
  const drivers = plugins.all().map(({ facts }) => facts.driver);
  const context: SnapshotContext = {
    client: options.client,
    namespaces: options.namespaces,
    stores,
    plugins,
    memory: new Memory(),
    events: options.events,
    metrics: snapshotMetrics(options.metrics, drivers, inFlight),
  };
  const controller = new Controller({
    name: 'snapshot',
    reconcile: (uid, run) => reconcileContent(context, uid, run),
    logger: options.logger,
    metrics: options.metrics,
    concurrency: options.concurrency,
    timeoutMs: RECONCILE_TIMEOUT_MS,
    groupOf: (uid) => contents.store.byUid(uid)?.spec.volumeSnapshotRef.namespace ?? '',
  });
  controller.watches(contents, fromContent);
  controller.watches(snapshots, (change) => fromSnapshot(stores, change));
  controller.watches(classes, (change) => fromClass(stores, change));
  controller.watches(claimInformer, (change) => fromClaim(stores, change));
  controller.watches(volumeInformer, (change) => fromVolume(stores, change));
  const parts = { plugins, events: options.events, logger: options.logger, metrics: options.metrics };
  const captures = informers.informer(volumeCaptures, { indexes: captureIndexes, optional: true });
  return [
    controller,
    createForeignWriterController({ ...context, contents, logger: options.logger, controllerMetrics: options.metrics }),
    createHintController({ ...parts, stores, snapshots, patienceMs: options.patienceMs }),
    ...createVolumeCaptureControllers({
      ...parts,
      client: options.client,
      namespaces: options.namespaces,
      stores: { ...stores, captures: captures.store },
      informers: { captures, contents, snapshots, claims: claimInformer },
    }),
  ];
}

/** Wires the claim controller (informers with their indexes, what each change concerns, the reconcile) and the sweeper beside it. */
import { LABEL_MANAGED_BY, MANAGED_BY } from '../api/names.ts';
import { type Population, populations } from '../api/population.ts';
import { referenceGrants } from '../api/reference-grant.ts';
import { claims, pods, storageClasses, volumes } from '../api/resources.ts';
import { SNAPSHOT_GROUP, volumeSnapshotContents, volumeSnapshots } from '../api/snapshots.ts';
import type { Store } from '../informer/index.ts';
import type { InformerRegistry } from '../informer/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { Controller, type EventRecorder, type Runnable } from '../runtime/index.ts';
import type { Plugin } from '../sdk/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { BY_CLAIM_UID, type PopulateConfig, type PopulateContext, type Stores } from './context.ts';
import {
  claimIndexes,
  fromClaim,
  fromGrant,
  fromPod,
  fromPopulation,
  fromSnapshotContent,
  fromSource,
  fromStorageClass,
  fromVolume,
  grantIndexes,
  podIndexes,
  populationIndexes,
  volumeIndexes,
} from './map.ts';
import { isOwnSnapshot } from './own-snapshot.ts';
import { leanPod } from './lean-pod.ts';
import { Memory } from './memory.ts';
import { Pace } from './pace.ts';
import { populateMetrics } from './metrics.ts';
import { sourceStoreKey } from './observe.ts';
import { PluginRegistry, type SourceObject } from './plugin-registry.ts';
import { reconcileClaim } from './reconcile.ts';
import { Sweeper, type SweeperOptions } from './sweep/sweeper.ts';

export interface PopulateControllerOptions {
  /** Writes only while this process leads. */
  readonly client: KubeClient;
  readonly informers: InformerRegistry;
  readonly plugins: readonly Plugin[];
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly config: PopulateConfig;
  /** Claims worked on at a time. */
  readonly concurrency: number;
  readonly sweep: Pick<SweeperOptions, 'namespaces' | 'intervalMs' | 'dryRun'>;
}

/** Longer than any plugin call may take by default; a call's own limit ends it first. */
const RECONCILE_TIMEOUT_MS = 10 * 60_000;
/** Retries of what the API server or a plugin refuses. */
const BACKOFF = { baseMs: 500, capMs: 5 * 60_000 };

export function createPopulateControllers(options: PopulateControllerOptions): readonly Runnable[] {
  const { informers } = options;
  const snapshots = snapshotStores(options);
  const plugins = new PluginRegistry(options.plugins, {
    ...options.config,
    isOwnSnapshot: (claim) => snapshots !== undefined && isOwnSnapshot(snapshots, claim),
  });
  const claimInformer = informers.informer(claims, { indexes: claimIndexes(plugins) });
  const volumeInformer = informers.informer(volumes, { indexes: volumeIndexes });
  const podInformer = informers.informer(pods, {
    indexes: podIndexes,
    labelSelector: `${LABEL_MANAGED_BY}=${MANAGED_BY}`,
    keep: leanPod,
  });
  const populationInformer = informers.informer(populations, { indexes: populationIndexes });
  const classInformer = informers.informer(storageClasses);
  const sourceInformers = plugins.all().map(({ plugin, resource }) => ({
    source: plugin.source,
    informer: informers.informer<SourceObject>(resource, { optional: true }),
  }));
  const grantInformer =
    options.config.populatorNamespace === undefined
      ? undefined
      : informers.informer(referenceGrants, { indexes: grantIndexes, optional: true });
  const stores: Stores = {
    claims: claimInformer.store,
    volumes: volumeInformer.store,
    pods: podInformer.store,
    populations: populationInformer.store,
    storageClasses: classInformer.store,
    sources: new Map(
      sourceInformers.map(({ source, informer }) => [sourceStoreKey(source.group, source.kind), informer.store]),
    ),
    grants: grantInformer?.store,
  };
  const context: PopulateContext = {
    client: options.client,
    stores,
    plugins,
    memory: new Memory(),
    pace: new Pace(),
    events: options.events,
    metrics: populateMetrics(options.metrics, inFlight(stores)),
    config: options.config,
  };
  const controller = new Controller({
    name: 'populate',
    reconcile: (uid, run) => reconcileClaim(context, uid, run),
    logger: options.logger,
    metrics: options.metrics,
    concurrency: options.concurrency,
    timeoutMs: RECONCILE_TIMEOUT_MS,
    backoff: BACKOFF,
    groupOf: (uid) => namespaceOf(stores, uid),
  });
  controller.watches(claimInformer, (change) => fromClaim(plugins, stores.storageClasses, change));
  controller.watches(volumeInformer, (change) => fromVolume(stores.claims, change));
  controller.watches(podInformer, fromPod);
  controller.watches(populationInformer, fromPopulation);
  controller.watches(classInformer, (change) => fromStorageClass(stores, change));
  if (grantInformer !== undefined) controller.watches(grantInformer, (change) => fromGrant(stores.claims, change));
  if (snapshots !== undefined)
    controller.watches(snapshots.contentInformer, (change) => fromSnapshotContent(stores.claims, change));
  for (const { source, informer } of sourceInformers) {
    controller.watches(informer, (change) => fromSource(stores.claims, source.group, source.kind, change));
  }
  const sweeper = new Sweeper({
    ...options.sweep,
    client: options.client,
    view: context,
    resume: (uid) => controller.enqueue(uid),
    events: options.events,
    logger: options.logger,
    metrics: options.metrics,
  });
  return [controller, sweeper];
}

/** Also of a claim that is gone, as long as its record is there. */
function namespaceOf({ claims: live, populations: records }: Stores, uid: string): string {
  const object = live.byUid(uid) ?? records.byIndex(BY_CLAIM_UID, uid)[0];
  return object?.metadata.namespace ?? '';
}

/** Undefined where no plugin restores from VolumeSnapshots: then they are CSI's alone. */
function snapshotStores({ plugins, informers }: PopulateControllerOptions) {
  const served = plugins.some(({ source }) => source.group === SNAPSHOT_GROUP && source.kind === volumeSnapshots.kind);
  if (!served) return undefined;
  const contentInformer = informers.informer(volumeSnapshotContents, { optional: true });
  const snapshots = informers.informer(volumeSnapshots, { optional: true }).store;
  return { contentInformer, contents: contentInformer.store, snapshots };
}

function inFlight({ populations: records }: { readonly populations: Store<Population> }) {
  const unfinished = () =>
    records
      .list()
      .filter(
        ({ spec, status }) => spec.pinned !== undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed',
      );
  return {
    count: () => unfinished().length,
    oldestSeconds: () =>
      unfinished().reduce(
        (oldest, { metadata }) => Math.max(oldest, (Date.now() - Date.parse(metadata.creationTimestamp)) / 1000),
        0,
      ),
  };
}

/** From changes of snapshots and records to the snapshots that they concern; at the start, to all. */
import { VolprimeError } from '../api/errors.ts';
import { SNAPSHOT_FINALIZER } from '../api/names.ts';
import { type Population, populations } from '../api/population.ts';
import { type VolumeSnapshot, volumeSnapshots } from '../api/snapshots.ts';
import type { InformerRegistry, Store } from '../informer/index.ts';
import { type KubeClient, keyOf } from '../kube/index.ts';
import { Controller, type ReconcileContext, type ReconcileResult, withoutFinalizer } from '../runtime/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { isHeldForNothing, restoredSnapshot } from './decide.ts';

export interface RestoreProtectionOptions {
  /** Writes only while this process leads. */
  readonly client: Pick<KubeClient, 'mergePatch'>;
  readonly informers: InformerRegistry;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const BY_SNAPSHOT = 'restored-snapshot';
/** Caches of different kinds are not in step. */
const AGAIN_MS = 100;

export function createRestoreProtectionController({ client, informers, logger, metrics }: RestoreProtectionOptions) {
  const snapshots = informers.informer(volumeSnapshots, { optional: true });
  const records = informers.informer(populations, {
    indexes: {
      [BY_SNAPSHOT]: (population: Population) => {
        const uid = restoredSnapshot(population);
        return uid === undefined ? [] : [uid];
      },
    },
  });
  const controller = new Controller({
    name: 'restore-protection',
    reconcile: (uid, run) => release(client, { snapshots: snapshots.store, records: records.store }, uid, run),
    logger,
    metrics,
    concurrency: 2,
    groupOf: (uid) => snapshots.store.byUid(uid)?.metadata.namespace ?? '',
  });
  controller.watches(snapshots, (change) => (change.new === undefined ? [] : [change.new.metadata.uid]));
  controller.watches(records, ({ old, new: now }) => {
    const uids = [old && restoredSnapshot(old), now && restoredSnapshot(now)];
    return uids.filter((uid) => uid !== undefined);
  });
  return controller;
}

interface Stores {
  readonly snapshots: Store<VolumeSnapshot>;
  readonly records: Store<Population>;
}

async function release(
  client: RestoreProtectionOptions['client'],
  stores: Stores,
  uid: string,
  run: ReconcileContext,
): Promise<ReconcileResult> {
  const snapshot = stores.snapshots.byUid(uid);
  if (snapshot === undefined || !isHeldForNothing(snapshot, stores.records.byIndex(BY_SNAPSHOT, uid))) return {};
  const body = withoutFinalizer(snapshot, SNAPSHOT_FINALIZER);
  if (body === undefined) return {};
  const outcome = await client.mergePatch(volumeSnapshots, keyOf(snapshot), body, { signal: run.signal });
  if (outcome.type === 'refused') throw new VolprimeError(outcome.reason, outcome.message);
  if (outcome.type === 'absent') stores.snapshots.forget(snapshot);
  if (outcome.type === 'done') stores.snapshots.merge(outcome.object);
  return outcome.type === 'conflict' ? { requeueAfterMs: AGAIN_MS } : {};
}

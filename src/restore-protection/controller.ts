/** From changes of snapshots and records to the snapshots that they concern; at the start, to all. */
import { VolprimeError } from '../api/errors.ts';
import { SNAPSHOT_FINALIZER } from '../api/names.ts';
import { type Population, populations } from '../api/population.ts';
import { type ReferenceGrant, referenceGrants } from '../api/reference-grant.ts';
import { type VolumeSnapshot, volumeSnapshots } from '../api/snapshots.ts';
import type { InformerRegistry, Store } from '../informer/index.ts';
import { type KubeClient, keyOf } from '../kube/index.ts';
import {
  Controller,
  hasFinalizer,
  type ReconcileContext,
  type ReconcileResult,
  withoutFinalizer,
} from '../runtime/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { decideHold, restoredSnapshot } from './decide.ts';

export interface RestoreProtectionOptions {
  /** Writes only while this process leads. */
  readonly client: Pick<KubeClient, 'mergePatch'>;
  readonly informers: InformerRegistry;
  /** Whether snapshots of other namespaces are restored; where not, none of them is held. */
  readonly crossNamespace: boolean;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const BY_SNAPSHOT = 'restored-snapshot';
/** Caches of different kinds are not in step. */
const AGAIN_MS = 100;

export function createRestoreProtectionController({
  client,
  informers,
  crossNamespace,
  logger,
  metrics,
}: RestoreProtectionOptions) {
  const snapshots = informers.informer(volumeSnapshots, { optional: true });
  const records = informers.informer(populations, {
    indexes: {
      [BY_SNAPSHOT]: (population: Population) => {
        const uid = restoredSnapshot(population);
        return uid === undefined ? [] : [uid];
      },
    },
  });
  const grants = crossNamespace ? informers.informer(referenceGrants, { optional: true }) : undefined;
  const stores = { snapshots: snapshots.store, records: records.store, grants: grants?.store };
  const controller = new Controller({
    name: 'restore-protection',
    reconcile: (uid, run) => review(client, stores, uid, run),
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
  // A grant that goes ends holds, also while nothing else changes.
  if (grants !== undefined)
    controller.watches(grants, ({ old, new: now }) => heldIn(snapshots.store, (now ?? old)?.metadata.namespace));
  return controller;
}

interface Stores {
  readonly snapshots: Store<VolumeSnapshot>;
  readonly records: Store<Population>;
  /** Undefined where snapshots of other namespaces are not restored. */
  readonly grants: Store<ReferenceGrant> | undefined;
}

function heldIn(snapshots: Store<VolumeSnapshot>, namespace: string | undefined): string[] {
  return snapshots
    .list()
    .filter((snapshot) => snapshot.metadata.namespace === namespace && hasFinalizer(snapshot, SNAPSHOT_FINALIZER))
    .map(({ metadata }) => metadata.uid);
}

async function review(
  client: RestoreProtectionOptions['client'],
  stores: Stores,
  uid: string,
  run: ReconcileContext,
): Promise<ReconcileResult> {
  const snapshot = stores.snapshots.byUid(uid);
  if (snapshot === undefined) return {};
  const { namespace } = snapshot.metadata;
  const grants = (stores.grants?.list() ?? []).filter(({ metadata }) => metadata.namespace === namespace);
  const ground = { snapshot, restores: stores.records.byIndex(BY_SNAPSHOT, uid), grants };
  const decision = decideHold(ground, run.now());
  if (decision.type === 'keep' && decision.until !== undefined)
    return { requeueAfterMs: Math.max(AGAIN_MS, decision.until - run.now()) };
  if (decision.type !== 'release') return {};
  const body = withoutFinalizer(snapshot, SNAPSHOT_FINALIZER);
  if (body === undefined) return {};
  const outcome = await client.mergePatch(volumeSnapshots, keyOf(snapshot), body, { signal: run.signal });
  if (outcome.type === 'refused') throw new VolprimeError(outcome.reason, outcome.message);
  if (outcome.type === 'absent') stores.snapshots.forget(snapshot);
  if (outcome.type === 'done') stores.snapshots.merge(outcome.object);
  return outcome.type === 'conflict' ? { requeueAfterMs: AGAIN_MS } : {};
}

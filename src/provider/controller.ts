/** Keeps the status of each Provider true: one look, at most one write. */
import { type Provider, providers } from '../api/provider.ts';
import type { InformerRegistry } from '../informer/index.ts';
import { type KubeClient, keyOf } from '../kube/index.ts';
import { Controller, type ReconcileContext, type ReconcileResult } from '../runtime/index.ts';
import { VolprimeError } from '../api/errors.ts';
import type { Store } from '../informer/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { decideConditions } from './decide.ts';

export interface ProviderControllerOptions {
  readonly client: KubeClient;
  readonly informers: InformerRegistry;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export function createProviderController(options: ProviderControllerOptions): Controller {
  const informer = options.informers.informer(providers, { optional: true });
  const controller = new Controller({
    name: 'provider',
    reconcile: (uid, run) => reconcileProvider(options.client, informer.store, uid, run),
    logger: options.logger,
    metrics: options.metrics,
    concurrency: 4,
    groupOf: (uid) => informer.store.byUid(uid)?.metadata.namespace ?? '',
  });
  controller.watches(informer, (change) => (change.new === undefined ? [] : [change.new.metadata.uid]));
  return controller;
}

async function reconcileProvider(
  client: KubeClient,
  store: Store<Provider>,
  uid: string,
  run: ReconcileContext,
): Promise<ReconcileResult> {
  const provider = store.byUid(uid);
  if (provider === undefined || provider.metadata.deletionTimestamp !== undefined) return {};
  const { generation, resourceVersion } = provider.metadata;
  const conditions = decideConditions(provider, run.now());
  if (conditions === provider.status?.conditions && provider.status.observedGeneration === generation) return {};
  const body = { metadata: { uid, resourceVersion }, status: { observedGeneration: generation, conditions } };
  const outcome = await client.mergePatch(providers, keyOf(provider), body, {
    subresource: 'status',
    signal: run.signal,
  });
  if (outcome.type === 'done') store.merge(outcome.object);
  if (outcome.type === 'refused') throw new VolprimeError(outcome.reason, outcome.message);
  return {};
}

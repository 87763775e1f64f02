/** How list and watch fare, by resource. */
import type { Metrics } from '../telemetry/index.ts';

export interface InformerMetrics {
  listed(): void;
  connected(): void;
  told(): void;
  failed(code: string): void;
}

export function informerMetrics(metrics: Metrics, resource: string, size: () => number): InformerMetrics {
  const labels = { resource };
  const lists = metrics.counter({
    name: 'volprime_informer_lists_total',
    help: 'Complete lists.',
    labels: ['resource'],
  });
  const watches = metrics.counter({
    name: 'volprime_informer_watches_total',
    help: 'Watches opened.',
    labels: ['resource'],
  });
  const failures = metrics.counter({
    name: 'volprime_informer_failures_total',
    help: 'Lists and watches that failed, by error code.',
    labels: ['resource', 'code'],
  });
  const lastTold = metrics.gauge({
    name: 'volprime_informer_last_event_timestamp_seconds',
    help: 'When list or watch last told anything, bookmarks included.',
    labels: ['resource'],
  });
  metrics
    .gauge({ name: 'volprime_informer_objects', help: 'Objects held.', labels: ['resource'] })
    .observe(size, labels);
  for (const counter of [lists, watches]) counter.zero(labels);

  return {
    listed: () => lists.inc(labels),
    connected: () => watches.inc(labels),
    told: () => lastTold.set(Date.now() / 1000, labels),
    failed: (code) => failures.inc({ resource, code }),
  };
}

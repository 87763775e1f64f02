/** The `controller_runtime_*` series: names and labels as dashboards for Go controllers know them. */
import type { Metrics } from '../telemetry/index.ts';

export type ReconcileResultLabel = 'success' | 'requeue_after' | 'requeue' | 'error';

export interface ControllerMetrics {
  began(): void;
  ended(result: ReconcileResultLabel, ms: number): void;
  terminalError(): void;
  panic(): void;
  timeout(): void;
}

const timeBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];

export function controllerMetrics(metrics: Metrics, controller: string, concurrency: number): ControllerMetrics {
  const labels = { controller };
  const series = (name: string, help: string) => ({ name: `controller_runtime_${name}`, help, labels: ['controller'] });
  const total = metrics.counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles by result.',
    labels: ['controller', 'result'],
  });
  const errors = metrics.counter(series('reconcile_errors_total', 'Reconciles that threw.'));
  const terminal = metrics.counter(
    series('terminal_reconcile_errors_total', 'Reconciles that threw an error that no retry mends.'),
  );
  const panics = metrics.counter(series('reconcile_panics_total', 'Reconciles that threw a programming error.'));
  const timeouts = metrics.counter(
    series('reconcile_timeouts_total', 'Reconciles stopped because their time was over.'),
  );
  const time = metrics.histogram({
    ...series('reconcile_time_seconds', 'Length of a reconcile.'),
    buckets: timeBuckets,
  });
  const active = metrics.gauge(series('active_workers', 'Reconciles that run now.'));
  metrics.gauge(series('max_concurrent_reconciles', 'Reconciles that may run at a time.')).set(concurrency, labels);

  for (const result of ['success', 'requeue_after', 'requeue', 'error']) total.zero({ controller, result });
  for (const counter of [errors, terminal, panics, timeouts]) counter.zero(labels);
  time.zero(labels);
  active.set(0, labels);

  return {
    began: () => active.inc(labels),
    ended: (result, ms) => {
      active.inc(labels, -1);
      total.inc({ controller, result });
      if (result === 'error') errors.inc(labels);
      time.observe(ms / 1000, labels);
    },
    terminalError: () => terminal.inc(labels),
    panic: () => panics.inc(labels),
    timeout: () => timeouts.inc(labels),
  };
}

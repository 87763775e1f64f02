/** The `workqueue_*` series, with controller-runtime's names and labels. */
import type { Metrics } from '../telemetry/index.ts';

export interface QueueMetrics {
  added(): void;
  retried(): void;
  started(waitedMs: number): void;
  finished(workedMs: number): void;
}

export interface QueueGauges {
  readonly depth: () => number;
  /** `performance.now()` of each key that runs. */
  readonly runningSince: () => readonly number[];
}

const durationBuckets = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];

export function queueMetrics(metrics: Metrics, queue: string, gauges: QueueGauges): QueueMetrics {
  const labels = { name: queue, controller: queue };
  const series = (name: string, help: string) => ({ name: `workqueue_${name}`, help, labels: ['name', 'controller'] });
  const adds = metrics.counter(series('adds_total', 'Keys added.'));
  const retries = metrics.counter(series('retries_total', 'Keys added again after a failure.'));
  const waited = metrics.histogram({
    ...series('queue_duration_seconds', 'How long a key waited for a slot.'),
    buckets: durationBuckets,
  });
  const worked = metrics.histogram({
    ...series('work_duration_seconds', 'How long a key was worked on.'),
    buckets: durationBuckets,
  });
  const secondsRunning = () => gauges.runningSince().map((since) => (performance.now() - since) / 1000);

  metrics.gauge(series('depth', 'Keys that wait for a slot.')).observe(gauges.depth, labels);
  metrics
    .gauge(series('unfinished_work_seconds', 'Seconds of work in progress, summed over the keys.'))
    .observe(() => secondsRunning().reduce((sum, seconds) => sum + seconds, 0), labels);
  metrics
    .gauge(series('longest_running_processor_seconds', 'Seconds that the slowest key has been running.'))
    .observe(() => Math.max(0, ...secondsRunning()), labels);
  for (const counter of [adds, retries]) counter.zero(labels);
  for (const histogram of [waited, worked]) histogram.zero(labels);

  return {
    added: () => adds.inc(labels),
    retried: () => retries.inc(labels),
    started: (ms) => waited.observe(ms / 1000, labels),
    finished: (ms) => worked.observe(ms / 1000, labels),
  };
}

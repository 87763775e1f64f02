/** The series of this room. Two carry lib-volume-populator's names, so that its dashboards keep working. */
import { knownReasons } from '../api/known-reasons.ts';
import type { Counter, Histogram, Metrics } from '../telemetry/index.ts';

/** lib-volume-populator's buckets and, beyond its 600 s, up to six hours. */
const OPERATION_BUCKETS = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 21_600,
];

export type OperationResult = 'success' | 'failed' | 'cancelled';

export interface PopulateMetrics {
  /** Creation of the claim to its end, by how it ended. */
  readonly operationSeconds: Histogram;
  readonly bytes: Counter;
  readonly failures: Counter;
  readonly writeConflicts: Counter;
}

/** What the gauges read when they are scraped. */
export interface InFlight {
  count(): number;
  /** Age of the oldest unfinished claim in seconds; 0 when there is none. */
  oldestSeconds(): number;
}

export function populateMetrics(metrics: Metrics, inFlight: InFlight): PopulateMetrics {
  const operationSeconds = metrics.histogram({
    name: 'volume_populator_operation_seconds',
    help: 'Time from the creation of a claim to the end of its population, by result.',
    labels: ['result'],
    buckets: OPERATION_BUCKETS,
  });
  for (const result of ['success', 'failed', 'cancelled'] satisfies OperationResult[])
    operationSeconds.zero({ result });
  metrics
    .gauge({ name: 'volume_populator_operations_in_flight', help: 'Claims whose population has begun and not ended.' })
    .observe(() => inFlight.count());
  metrics
    .gauge({
      name: 'volprime_oldest_unfinished_claim_seconds',
      help: 'Age of the oldest claim whose population has begun and not ended.',
    })
    .observe(() => inFlight.oldestSeconds());
  return {
    operationSeconds,
    bytes: metrics.counter({
      name: 'volprime_source_bytes_total',
      help: 'Bytes received from sources by populations that succeeded.',
      labels: ['plugin'],
    }),
    failures: metrics.counter({
      name: 'volprime_population_failures_total',
      help: 'Failed attempts and calls by plugin and reason.',
      labels: ['plugin', 'reason'],
      words: { reason: knownReasons },
    }),
    writeConflicts: metrics.counter({
      name: 'volprime_stale_decisions_total',
      help: 'Actions whose precondition did not hold, by action.',
      labels: ['action'],
    }),
  };
}

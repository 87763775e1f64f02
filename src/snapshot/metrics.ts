/** The series of this room. Upstream's snapshot controller has its own of the same snapshots (`snapshot_controller_operation_total_seconds`). */
import { knownReasons } from '../api/known-reasons.ts';
import type { Counter, Histogram, Metrics } from '../telemetry/index.ts';

const BUCKETS = [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200];

export const operations = ['create', 'import', 'delete'] as const;
export type Operation = (typeof operations)[number];
export const results = ['success', 'cancelled', 'abandoned'] as const;
export type OperationResult = (typeof results)[number];

export interface SnapshotMetrics {
  /** From the object's creation, or its deletion, to the end of the operation. */
  readonly operationSeconds: Histogram;
  readonly bytes: Counter;
  readonly failures: Counter;
  readonly writeConflicts: Counter;
}

/** What the gauge reads when it is scraped. */
export interface InFlight {
  /** Captures of the driver whose outcome is not certain. */
  count(driver: string): number;
}

export function snapshotMetrics(metrics: Metrics, drivers: readonly string[], inFlight: InFlight): SnapshotMetrics {
  const operationSeconds = metrics.histogram({
    name: 'volprime_snapshot_operation_seconds',
    help: 'Time from the creation (delete: the deletion) of a VolumeSnapshotContent to the end of the operation, by result.',
    labels: ['driver', 'operation', 'result'],
    buckets: BUCKETS,
  });
  const gauge = metrics.gauge({
    name: 'volprime_snapshot_captures_in_flight',
    help: 'Captures that were begun and whose outcome is not certain.',
    labels: ['driver'],
  });
  for (const driver of drivers) {
    operationSeconds.zero({ driver, operation: 'create', result: 'success' });
    gauge.observe(() => inFlight.count(driver), { driver });
  }
  return {
    operationSeconds,
    bytes: metrics.counter({
      name: 'volprime_snapshot_bytes_total',
      help: 'Bytes that captures have read from their sources, by those that became ready.',
      labels: ['driver'],
    }),
    failures: metrics.counter({
      name: 'volprime_snapshot_failures_total',
      help: 'Failed calls of snapshot plugins, and captures that could not be begun, by reason.',
      labels: ['driver', 'reason'],
      words: { reason: knownReasons },
    }),
    writeConflicts: metrics.counter({
      name: 'volprime_snapshot_stale_decisions_total',
      help: 'Actions whose precondition did not hold, by action.',
      labels: ['action'],
    }),
  };
}

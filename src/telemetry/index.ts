/**
 * Logs, metrics and probes. Every room above may write to them; only the composition root creates them.
 * Must not know Kubernetes, volumes, or what any of the series mean.
 */
export type { BoundedServer } from './bounded-server.ts';
export { type ExpositionOptions, serveMetrics } from './exposition.ts';
export { type HealthOptions, serveHealth } from './health.ts';
export { createLogger, type LogFields, type Logger, type LoggerOptions, type LogLevel } from './logger.ts';
export {
  type Counter,
  createMetrics,
  type Gauge,
  type Histogram,
  type Labels,
  type Metrics,
  type SeriesOptions,
} from './metrics.ts';

/** From a kubeconfig, or a pod's service account, to a client. The only place that puts this room's parts together. */
import type { Logger, Metrics } from '../telemetry/index.ts';
import { findAccess } from './access.ts';
import { createClient } from './client.ts';
import type { KubeClient } from './kube-client.ts';
import { noRateLimit, tokenBucket } from './rate-limit.ts';
import { Transport } from './transport.ts';

export interface ConnectOptions {
  /** Path of a kubeconfig; without it `$KUBECONFIG`, the pod's service account, or `~/.kube/config`. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly userAgent: string;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Requests per second on average; unlimited when absent, since the API server's own fairness is the better judge. */
  readonly qps?: number | undefined;
  /** Requests that may go out at once after a pause; twice `qps` unless told. */
  readonly burst?: number | undefined;
}

export interface Connection extends KubeClient {
  /** The API server's address. */
  readonly server: string;
  close(): Promise<void>;
}

/** Opens no connection yet. Throws KUBE_CONFIG when there is no usable configuration. */
export function connect(options: ConnectOptions): Connection {
  const access = findAccess(options);
  const { qps, userAgent, metrics, logger } = options;
  const rateLimit = qps === undefined ? noRateLimit : tokenBucket(qps, options.burst ?? 2 * qps);
  const transport = new Transport({ access, userAgent, rateLimit, metrics, logger });
  return { ...createClient(transport), server: access.server.href, close: () => transport.close() };
}

/**
 * The composition root: the only place that constructs and wires. Called by the stock controller's entry and by whoever builds a controller
 * around plugins of his own.
 */
import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import { type Config, type ConfigInput, configSchema } from './config.ts';
import { InformerRegistry } from './informer/index.ts';
import { connect } from './kube/index.ts';
import { createPopulateController } from './populate/index.ts';
import { createProviderController } from './provider/index.ts';
import { ApiEventRecorder, gated, Leader, Manager, type ManagerEnd, terminationSignal } from './runtime/index.ts';
import type { Plugin } from './sdk/index.ts';
import { createLogger, createMetrics } from './telemetry/index.ts';

export interface RunControllerOptions {
  readonly plugins: readonly Plugin[];
  readonly config: ConfigInput;
  /** Ends the controller in order; SIGTERM and SIGINT where absent. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a controller with these plugins until it is told to stop or loses its lease.
 *
 * @throws ZodError where a setting is wrong; KubeError `KUBE_CONFIG` where no cluster is configured.
 */
export async function runController({ plugins, config: input, signal }: RunControllerOptions): Promise<ManagerEnd> {
  const config = configSchema.parse(input);
  const logger = createLogger({ level: config.logLevel, format: config.logFormat });
  const metrics = createMetrics();
  const client = connect({
    userAgent: 'volprime-controller',
    metrics,
    logger,
    ...(config.kubeconfig !== undefined && { kubeconfig: config.kubeconfig }),
    ...(config.context !== undefined && { context: config.context }),
  });
  const identity = `${hostname()}_${randomUUID()}`;
  const recorder = {
    client,
    reportingController: 'volprime.dev/controller',
    reportingInstance: hostname(),
    logger,
    metrics,
  };
  const leader = config.leaderElect
    ? new Leader({
        client,
        identity,
        logger,
        metrics,
        name: config.leaseName,
        namespace: config.leaseNamespace,
        timings: timingsOf(config),
      })
    : undefined;
  const writer = leader === undefined ? client : gated(client, leader);
  const events = new ApiEventRecorder({ ...recorder, client: writer });
  const informers = new InformerRegistry({ client, namespaces: config.namespaces, logger, metrics });
  const shared = { client: writer, informers, logger, metrics };
  const controllers = [
    createPopulateController({
      ...shared,
      plugins,
      events,
      concurrency: config.concurrency,
      config: {
        populatorImage: config.populatorImage,
        imagePullPolicy: config.imagePullPolicy,
        crashPointDirectory: config.crashPointDirectory,
      },
    }),
    createProviderController(shared),
  ];
  const manager = new Manager({
    informers,
    controllers,
    leader,
    events,
    health: { port: config.healthPort },
    metrics,
    logger,
  });
  logger.info('starting', { plugins: plugins.map((plugin) => plugin.name), server: client.server, identity });
  try {
    return await manager.run(signal ?? terminationSignal(logger));
  } finally {
    await client.close();
  }
}

function timingsOf(config: Config) {
  return { leaseMs: config.leaseDurationMs, renewMs: config.leaseRenewMs, retryMs: config.leaseRetryMs };
}

/**
 * The composition root: the only place that constructs and wires. Called by the stock controller's entry and by whoever builds a controller
 * around plugins of his own.
 */
import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import { VolprimeError } from './api/errors.ts';
import { providers } from './api/provider.ts';
import { SNAPSHOT_GROUP } from './api/snapshots.ts';
import { capturePorts } from './capture-ports.ts';
import { type Config, type ConfigInput, configSchema } from './config.ts';
import { InformerRegistry } from './informer/index.ts';
import { connect } from './kube/index.ts';
import { createPopulateControllers, createWrapperController, settingsProblems } from './populate/index.ts';
import { snapshotCapture } from './plugins/snapshot-capture/index.ts';
import { snapshotRestorePlugins } from './plugins/snapshot-restore/index.ts';
import { createProviderController } from './provider/index.ts';
import { createRegistrationController } from './registration/index.ts';
import { createRestoreProtectionController, restorePorts } from './restore-protection/index.ts';
import {
  ApiEventRecorder,
  gated,
  Leader,
  type LeaderOptions,
  Manager,
  type ManagerEnd,
  terminationSignal,
} from './runtime/index.ts';
import type { Plugin, SnapshotPlugin } from './sdk/index.ts';
import { createSnapshotControllers } from './snapshot/index.ts';
import { createLogger, createMetrics } from './telemetry/index.ts';

/** Without a version after a slash it is the field manager of its writes, too. */
const USER_AGENT = 'volprime-controller';

export interface RunControllerOptions {
  readonly plugins: readonly Plugin[];
  /** Each serves the VolumeSnapshots of one driver; none: those are left to others. */
  readonly snapshotPlugins?: readonly SnapshotPlugin[];
  /** Also serve snapshots with the built-in plugins (default: no; the stock controller does). */
  readonly snapshots?: boolean;
  readonly config: ConfigInput;
  /** Ends the controller in order; SIGTERM and SIGINT where absent. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a controller with these plugins until it is told to stop or loses its lease.
 *
 * @throws ZodError where a setting is wrong; VolprimeError `InvalidPodSettings`; KubeError `KUBE_CONFIG` where no cluster is configured.
 */
export async function runController(options: RunControllerOptions): Promise<ManagerEnd> {
  const { manager, client, logger } = assemble(options);
  try {
    return await manager.run(options.signal ?? terminationSignal(logger));
  } finally {
    await client.close();
  }
}

/** Everything constructed and wired, nothing started. */
export function assemble({
  plugins: ownPlugins,
  snapshotPlugins: ownSnapshotPlugins = [],
  snapshots = false,
  config: input,
}: RunControllerOptions) {
  const config = configSchema.parse(input);
  const logger = createLogger({ level: config.logLevel, format: config.logFormat });
  const metrics = createMetrics();
  const client = connect({
    userAgent: USER_AGENT,
    metrics,
    logger,
    ...(config.kubeconfig !== undefined && { kubeconfig: config.kubeconfig }),
    ...(config.context !== undefined && { context: config.context }),
  });
  const identity = `${hostname()}_${randomUUID()}`;
  const leader = config.leaderElect ? leaderOf(config, { client, identity, logger, metrics }) : undefined;
  const writer = leader === undefined ? client : gated(client, leader);
  const reporter = { reportingController: 'volprime.dev/controller', reportingInstance: hostname() };
  const events = new ApiEventRecorder({ ...reporter, client: writer, logger, metrics });
  const populatorNamespace = config.crossNamespace ? config.populatorNamespace : undefined;
  const informers = new InformerRegistry({ client, namespaces: namespacesOf(config), logger, metrics });
  const shared = { client: writer, informers, logger, metrics };
  const plugins = snapshots
    ? [...ownPlugins, ...snapshotRestorePlugins(restorePorts({ client: writer, informers, populatorNamespace }))]
    : ownPlugins;
  const snapshotPlugins = snapshots
    ? [...ownSnapshotPlugins, snapshotCapture(capturePorts({ client: writer, events, logger, config }))]
    : ownSnapshotPlugins;
  checkPodSettings(plugins, snapshotPlugins, config);
  const {
    populatorImage,
    imagePullPolicy,
    populatorPodSettings: podSettings,
    passThrough,
    crashPointDirectory,
    concurrency,
  } = config;
  const controllers = [
    ...createPopulateControllers({
      ...shared,
      plugins,
      events,
      concurrency,
      config: { populatorImage, imagePullPolicy, podSettings, populatorNamespace, passThrough, crashPointDirectory },
      sweep: { namespaces: namespacesOf(config), intervalMs: config.sweepIntervalMs, dryRun: config.sweepDryRun },
    }),
    createWrapperController({ informers, events, logger, metrics }),
    ...(plugins.some(isOfProvider) ? [createProviderController(shared)] : []),
    ...(snapshotPlugins.length > 0
      ? createSnapshotControllers({
          ...shared,
          plugins: snapshotPlugins,
          events,
          concurrency,
          namespaces: namespacesOf(config),
          fieldManager: USER_AGENT,
        })
      : []),
    ...(snapshots ? [createRestoreProtectionController({ ...shared, crossNamespace: config.crossNamespace })] : []),
    createRegistrationController({ ...shared, events, sources: sourcesToRegister(plugins) }),
  ];
  const health = { port: config.healthPort };
  const exposition = { port: config.metricsPort };
  const manager = new Manager({ informers, controllers, leader, events, health, exposition, metrics, logger });
  const names = [...plugins, ...snapshotPlugins].map((plugin) => plugin.name);
  logger.info('starting', { plugins: names, server: client.server, identity });
  return { manager, client, logger, metrics };
}

function checkPodSettings(
  plugins: readonly Plugin[],
  snapshotPlugins: readonly SnapshotPlugin[],
  { populatorPodSettings }: Config,
): void {
  const names = snapshotPlugins.map(({ name }) => name);
  const problems = settingsProblems(plugins, populatorPodSettings, names);
  if (problems.length > 0)
    throw new VolprimeError('InvalidPodSettings', `populator pod settings: ${problems.join('; ')}`);
}

/** Who validates claims by VolumePopulators knows VolumeSnapshots by himself. */
function sourcesToRegister(plugins: readonly Plugin[]) {
  return plugins.map(({ source }) => source).filter(({ group }) => group !== SNAPSHOT_GROUP);
}

/** Confined or not, the controller must see what it makes itself. */
function namespacesOf({ namespaces, crossNamespace, populatorNamespace }: Config): readonly string[] | undefined {
  return namespaces === undefined || !crossNamespace ? namespaces : [...new Set([...namespaces, populatorNamespace])];
}

/** Whoever populates from Providers also tells their status; a controller for other kinds leaves them to others. */
function isOfProvider({ source }: Plugin): boolean {
  return source.group === providers.group && source.kind === providers.kind;
}

function leaderOf(config: Config, parts: Pick<LeaderOptions, 'client' | 'identity' | 'logger' | 'metrics'>): Leader {
  const timings = { leaseMs: config.leaseDurationMs, renewMs: config.leaseRenewMs, retryMs: config.leaseRetryMs };
  return new Leader({ ...parts, name: config.leaseName, namespace: config.leaseNamespace, timings });
}

/** Entry of the stock controller: flags and environment in, exit code out. */
import './memory-flags.ts';
import { Command } from 'commander';
import * as z from 'zod';
import { runController } from './controller.ts';
import { VolprimeError } from './api/errors.ts';
import type { ConfigInput } from './config.ts';
import { flag, list } from './flags.ts';
import { loadPodSettings } from './load-pod-settings.ts';
import { loadPlugins } from './load-plugin.ts';
import { downloadAndExtract } from './plugins/download-and-extract/index.ts';
import { visible } from './visible.ts';

const program = new Command('volprime-controller')
  .description('Populates PersistentVolumeClaims from the source that their dataSourceRef names.')
  .addOption(flag('--kubeconfig <path>', 'kubeconfig file; inside a cluster its service account is used', 'KUBECONFIG'))
  .addOption(flag('--context <name>', 'context of the kubeconfig', 'VOLPRIME_CONTEXT'))
  .addOption(
    flag('--namespaces <names>', 'work in these namespaces only (comma separated)', 'VOLPRIME_NAMESPACES').argParser(
      list,
    ),
  )
  .addOption(
    flag(
      '--plugin <paths>',
      'more plugins, of populators and of snapshots: modules or YAML definitions (comma separated)',
      'VOLPRIME_PLUGINS',
    ).argParser(list),
  )
  .addOption(
    flag('--populator-image <image>', 'image of populator pods', 'VOLPRIME_POPULATOR_IMAGE').makeOptionMandatory(),
  )
  .addOption(
    flag('--image-pull-policy <policy>', 'pull policy of the populator image', 'VOLPRIME_IMAGE_PULL_POLICY').choices([
      'Always',
      'IfNotPresent',
      'Never',
    ]),
  )
  .addOption(
    flag(
      '--populator-pod-settings <path>',
      'YAML file: resources, placement, security and more of populator pods (docs/populator-pods.md)',
      'VOLPRIME_POPULATOR_POD_SETTINGS',
    ),
  )
  .addOption(
    flag(
      '--cross-namespace',
      'serve claims whose source is in another namespace, where a ReferenceGrant allows it',
      'VOLPRIME_CROSS_NAMESPACE',
    ),
  )
  .addOption(
    flag(
      '--populator-namespace <name>',
      'namespace in which sources of other namespaces are populated (default volprime-populators)',
      'VOLPRIME_POPULATOR_NAMESPACE',
    ),
  )
  .addOption(
    flag(
      '--no-pass-through',
      'leave claims of wrapper classes without a source of a plugin to another controller',
      'VOLPRIME_NO_PASS_THROUGH',
    ),
  )
  .addOption(flag('--concurrency <n>', 'claims worked on at a time (default 32)', 'VOLPRIME_CONCURRENCY'))
  .addOption(
    flag(
      '--no-leader-elect',
      'lead without a lease; only where there can be no second controller',
      'VOLPRIME_NO_LEADER_ELECT',
    ),
  )
  .addOption(flag('--lease-name <name>', 'name of the lease (default volprime-controller)', 'VOLPRIME_LEASE_NAME'))
  .addOption(
    flag('--lease-namespace <name>', 'namespace of the lease (default volprime-system)', 'VOLPRIME_LEASE_NAMESPACE'),
  )
  .addOption(
    flag(
      '--lease-duration-ms <ms>',
      'how long a lease counts that is not renewed (default 15000)',
      'VOLPRIME_LEASE_DURATION_MS',
    ),
  )
  .addOption(
    flag(
      '--lease-renew-ms <ms>',
      'how long the leader goes on without renewing (default 10000)',
      'VOLPRIME_LEASE_RENEW_MS',
    ),
  )
  .addOption(flag('--lease-retry-ms <ms>', 'time between renewals (default 2000)', 'VOLPRIME_LEASE_RETRY_MS'))
  .addOption(
    flag(
      '--sweep-interval-ms <ms>',
      'time between two looks for what is left over (default 600000)',
      'VOLPRIME_SWEEP_INTERVAL_MS',
    ),
  )
  .addOption(flag('--sweep-dry-run', 'only tell what is left over', 'VOLPRIME_SWEEP_DRY_RUN'))
  .addOption(
    flag('--health-port <port>', 'port of /healthz, /livez and /readyz (default 8081)', 'VOLPRIME_HEALTH_PORT'),
  )
  .addOption(flag('--metrics-port <port>', 'port of /metrics (default 8080)', 'VOLPRIME_METRICS_PORT'))
  .addOption(flag('--log-level <level>', 'debug, info, warn or error (default info)', 'VOLPRIME_LOG_LEVEL'))
  .addOption(flag('--log-format <format>', 'json or text (default json)', 'VOLPRIME_LOG_FORMAT'))
  .addOption(
    flag(
      '--crash-point-directory <path>',
      'for tests only: die where a claim names a crash point',
      'VOLPRIME_CRASH_POINT_DIRECTORY',
    ).hideHelp(),
  );

/** As the flags give them: what is a file there is read before it is a setting. */
type Options = Omit<ConfigInput, 'populatorPodSettings'> & {
  readonly plugin?: string[];
  readonly populatorPodSettings?: string;
};

try {
  const { plugin: paths = [], populatorPodSettings: file, ...config } = program.parse().opts<Options>();
  const loaded = await loadPlugins(paths);
  const podSettings = file !== undefined && { populatorPodSettings: await loadPodSettings(file) };
  const end = await runController({
    plugins: [downloadAndExtract, ...loaded.plugins],
    snapshotPlugins: loaded.snapshotPlugins,
    snapshots: true,
    config: { ...config, ...podSettings },
  });
  process.exitCode = end === 'stopped' ? 0 : 1;
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(`volprime-controller: ${explain(error).split('\n').map(visible).join('\n')}\n`);
}

function explain(error: unknown): string {
  if (error instanceof z.ZodError) return `a setting is wrong:\n${z.prettifyError(error)}`;
  if (error instanceof VolprimeError) return `${error.message} (${error.code})`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

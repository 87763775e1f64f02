/** The flags of `volprime verify`, and its help. */
import { Command, Option } from 'commander';
import { flag } from '../../flags.ts';
import { visible } from '../../visible.ts';
import { progressLine } from '../progress-line.ts';

const HELP = `
Examples:
  # reads all data of the snapshot "nightly" of namespace "shop" and compares it with its manifest
  $ npx volprime verify nightly -n shop

  # where VolumeSnapshotContents may not be read: the Secret of the repository
  $ npx volprime verify nightly -n shop --secret volprime-repository

A pod is made in the namespace of the snapshot, with the repository's Secret mounted, and removed at the end: you need the rights to read
VolumeSnapshots and their contents, and to create, read and delete pods there (and their logs, for progress).

Exit codes:
  0    all data is there and as the manifest says
  1    not known: the data could not be read (the repository does not answer, the pod cannot run)
  2    the data is damaged or missing; the message names the first file that differs
  130  Ctrl-C`;

interface Flags {
  readonly namespace: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly secret?: string;
  readonly repositoryClaim?: string;
  readonly image: string;
  readonly restricted?: boolean;
}

const INTERRUPTED = 130;

export function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'Reads all data of a snapshot and compares it with the manifest that was taken with it. Writes nothing.',
    )
    .argument('<snapshot>', 'name of the VolumeSnapshot')
    .option('-n, --namespace <name>', 'its namespace', 'default')
    .addOption(flag('--kubeconfig <path>', 'kubeconfig file', 'KUBECONFIG'))
    .addOption(flag('--context <name>', 'context of the kubeconfig', 'VOLPRIME_CONTEXT'))
    .option('--secret <name>', "the repository's Secret, instead of the one that the content names")
    .option(
      '--repository-claim <name>',
      'the claim that holds the repository, instead of the one that the content names',
    )
    .addOption(
      flag(
        '--image <image>',
        'image of the pod: that of the controller',
        'VOLPRIME_POPULATOR_IMAGE',
      ).makeOptionMandatory(),
    )
    .addOption(new Option('--restricted', 'a pod without root, for a namespace that admits no other'))
    .addHelpText('after', HELP)
    .action(run);
}

async function run(name: string, flags: Flags): Promise<void> {
  const { kubeconfig, context, namespace, secret, repositoryClaim, image, restricted = false } = flags;
  // Loaded here: the client of the API server takes longer to load than other commands take to run.
  const [{ connect }, { createLogger, createMetrics }, { verify }] = await Promise.all([
    import('../../kube/index.ts'),
    import('../../telemetry/index.ts'),
    import('./verify.ts'),
  ]);
  const logger = createLogger({ level: 'error', format: 'text', stream: process.stderr });
  const client = connect({ kubeconfig, context, userAgent: 'volprime-cli', metrics: createMetrics(), logger });
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const { stdout, stderr } = process;
  try {
    process.exitCode = await verify({
      client,
      namespace,
      name,
      given: { secret, repositoryClaim },
      image,
      restricted,
      say: (line) => void stdout.write(`${stderr.isTTY ? '\r\u001B[K' : ''}${visible(line)}\n`),
      progress: (progress) => {
        const line = progressLine(progress, { bytesPerSecond: undefined, columns: stderr.columns ?? 80 });
        if (stderr.isTTY) stderr.write(`\r\u001B[K${line}`);
      },
      signal: stop.signal,
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exitCode = INTERRUPTED;
  } finally {
    await client.close();
  }
}

#!/usr/bin/env node
/** Entry of the command line: `node /app/dist/cli/main.js` in the image, `npx volprime` from the package. */
import { Command, Option } from 'commander';
import { VolprimeError } from '../api/errors.ts';
import { flag, list } from '../flags.ts';
import { visible } from '../visible.ts';
import { populateCommand } from './populate/command.ts';
import { verifyCommand } from './verify/command.ts';

const say = (line: string) => void process.stdout.write(`${visible(line)}\n`);

interface ReleaseFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespaces?: readonly string[];
  readonly leaseName: string;
  readonly leaseNamespace: string;
  readonly yes?: boolean;
  readonly force?: boolean;
}

const program = new Command('volprime').description(
  'Fills a directory as a volume is filled, and does what a person does that no controller can.',
);
program.addCommand(populateCommand());
program.addCommand(verifyCommand());
program
  .command('release')
  .description(
    'Takes the finalizers of Volprime off everything that waits for a controller that will not come back. Without --yes it only says what it would do.',
  )
  .addOption(flag('--kubeconfig <path>', 'kubeconfig file; inside a cluster its service account is used', 'KUBECONFIG'))
  .addOption(flag('--context <name>', 'context of the kubeconfig', 'VOLPRIME_CONTEXT'))
  .addOption(
    flag('--namespaces <names>', 'only these namespaces (comma separated)', 'VOLPRIME_NAMESPACES').argParser(list),
  )
  .addOption(flag('--lease-name <name>', 'name of the lease', 'VOLPRIME_LEASE_NAME').default('volprime-controller'))
  .addOption(
    flag('--lease-namespace <name>', 'namespace of the lease', 'VOLPRIME_LEASE_NAMESPACE').default('volprime-system'),
  )
  .addOption(new Option('--dry-run', 'say what it would do; the default').conflicts('yes'))
  .option('--yes', 'do it')
  .option('--force', 'also while a controller leads')
  .action(runRelease);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = 1;
  const known = error instanceof VolprimeError;
  process.stderr.write(`volprime: ${visible(known ? `${error.message} (${error.code})` : String(error))}\n`);
}

async function runRelease(flags: ReleaseFlags): Promise<void> {
  const { kubeconfig, context, namespaces, leaseName, leaseNamespace, yes = false, force = false } = flags;
  // Loaded here: the client of the API server takes longer to load than other commands take to run.
  const [{ connect }, { createLogger, createMetrics }, { release }] = await Promise.all([
    import('../kube/index.ts'),
    import('../telemetry/index.ts'),
    import('./release.ts'),
  ]);
  const logger = createLogger({ level: 'error', format: 'text', stream: process.stderr });
  const client = connect({ kubeconfig, context, userAgent: 'volprime-cli', metrics: createMetrics(), logger });
  try {
    process.exitCode = await release({ client, namespaces, leaseName, leaseNamespace, yes, force, say });
  } finally {
    await client.close();
  }
}

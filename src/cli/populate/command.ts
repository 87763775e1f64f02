/** The flags of `volprime populate`, its help, and the streams and signals of a real process. */
import { Command, type CommanderError, Option } from 'commander';
import { formats } from '../../api/provider.ts';
import { exitCodes } from '../../pod/index.ts';
import { INTERRUPTED, type PopulateFlags } from './populate.ts';

const HELP = `
Examples:
  # an archive into a new directory
  $ npx volprime populate --url https://example.com/data.tar.gz --target ./data

  # a Provider as it would be applied to a cluster; the file may hold other objects, too
  $ npx volprime populate -f provider.yaml --target ./data

  # one that is in a cluster
  $ kubectl get provider provider1 -o yaml | npx volprime populate -f - --target ./data

  # with credentials: files named as the keys of the Secret; "hosts" says where they may go (http://host for plain http),
  # "proxies" through what --proxy names, "ca.crt" or "caBundles" whom to trust beside the system
  $ mkdir login && echo example.com > login/hosts && echo "$TOKEN" > login/token
  $ npx volprime populate --url https://example.com/private.tar.gz --credentials ./login --target ./data

On a terminal one line shows bytes, files, rate and the time left. Otherwise standard output has JSON lines: one with
"progress" each second, and the last one the outcome, as a populator pod reports it; all else goes to standard error.

Exit codes:
  ${exitCodes.succeeded}    the directory holds all of the content, verified and flushed
  ${exitCodes.retryable}    it failed in a way that another try may mend: the network, a busy server, SIGTERM
  ${exitCodes.permanent}    another try would fail alike: a wrong flag, 404, a wrong checksum, a damaged or hostile archive, no space
  ${INTERRUPTED}  Ctrl-C

With any other code than 0 what was written is removed again, or, with --on-existing Merge and on a device, said to be still there.`;

/** For flags that may be said several times. */
function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

interface Flags extends PopulateFlags {
  readonly json?: boolean;
}

export function populateCommand(): Command {
  const ofUrl = (flags: string, description: string) => new Option(flags, description).conflicts('filename');
  return new Command('populate')
    .description(
      'Fills a directory from a URL or from a Provider, by the same code that fills volumes. Needs no cluster.',
    )
    .addOption(ofUrl('--url <url>', 'where the data is: http://, https://, s3:// or oci://'))
    .addOption(ofUrl('--mirror <url>', 'the same bytes at another place; may be said several times').argParser(collect))
    .addOption(ofUrl('--extract-path <path>', 'directory inside the target that receives the content (default: "/")'))
    .addOption(ofUrl('--checksum <digest>', 'sha256: or sha512: and the digest of the data as downloaded'))
    .addOption(ofUrl('--format <format>', 'what the data is; told by the content unless given').choices(formats))
    .addOption(ofUrl('--strip-components <n>', 'leading parts of names that are taken away').argParser(Number))
    .addOption(ofUrl('--include <glob>', 'only names that match; may be said several times').argParser(collect))
    .addOption(ofUrl('--exclude <glob>', 'no names that match; may be said several times').argParser(collect))
    .option('-f, --filename <file>', 'YAML file with a Provider; "-" reads standard input')
    .option('--provider <name>', 'the one of that name, where the file has several')
    .option('--credentials <directory>', 'the keys of the Secret, as files')
    .option('--ca-bundle <file>', 'certificates (PEM) to trust beside those of Node.js')
    .option('--proxy <url>', 'proxy of the download (default: as HTTP_PROXY, HTTPS_PROXY and NO_PROXY say)')
    .option('--proxy-credentials <directory>', "the keys of the proxy's Secret, as files: username, password, hosts")
    .requiredOption('--target <directory>', 'directory to fill; made when missing. Or a block device, for an image')
    .addOption(
      new Option(
        '--on-existing <what>',
        'where the target is not empty: refuse, remove all that is in it, or add to it (default: as the Provider says, else Fail)',
      ).choices(['Fail', 'Clean', 'Merge']),
    )
    .option('--json', 'JSON lines on a terminal, too')
    .addHelpText('after', HELP)
    .exitOverride(exitOnUsageError)
    .action(run);
}

/** A flag that is wrong today is wrong tomorrow. Commander has said what is wrong, or shown the help. */
function exitOnUsageError({ exitCode }: CommanderError): never {
  process.exit(exitCode === 0 ? 0 : exitCodes.permanent);
}

async function run({ json = false, ...flags }: Flags): Promise<void> {
  const [{ populate }, { jsonReporter, terminalReporter }] = await Promise.all([
    import('./populate.ts'),
    import('./reporter.ts'),
  ]);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal));
  const { stdout, stderr } = process;
  const reporter = stdout.isTTY && !json ? terminalReporter(stdout) : jsonReporter(stdout, stderr);
  process.exit(await populate({ flags, reporter, signal: stop.signal }));
}

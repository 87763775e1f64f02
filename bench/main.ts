/** Measures Volprime against what Kubernetes itself needs for the same work: prints a table, writes bench/results/latest.json. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from '../test/cluster/lock.ts';
import { startArchiveServer } from '../test/support/archive-server.ts';
import { tarGz } from '../test/support/archives.ts';
import { buildController } from './controller-process.ts';
import { type Figure, table } from './figures.ts';
import { measureDataPath } from './data-path/measure.ts';
import { openGround } from './ground.ts';
import { measure } from './measure.ts';
import { archiveSource } from './objects.ts';
import { type ClusterGroup, clusterGroups, type Group, type Options, parseOptions, usage } from './options.ts';
import { openSite, provide, sweep } from './site.ts';
import { measureSize } from './size/measure.ts';
import { measureSnapshots } from './snapshots/measure.ts';

const resultsDir = join(import.meta.dirname, 'results');
/** Two runs at a time would measure each other. */
const lockFile = join(resultsDir, 'lock');
const resultsFile = join(resultsDir, 'latest.json');

/** Minutes on two cores with three rounds, for the word on how long it takes. */
const minutes: Readonly<Record<Group, number>> = {
  claim: 1,
  claims: 3,
  pod: 2,
  pods: 4,
  spread: 2,
  thousands: 4,
  idle: 3,
  failing: 4,
  restore: 2,
  data: 12,
  snapshots: 4,
  size: 2,
};

const say = (line: string) => void process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) return void process.stdout.write(usage);
  const total = options.groups.reduce((sum, group) => sum + minutes[group], 1);
  say(
    `measuring ${options.groups.join(', ')}: about ${total} minutes, the first time up to 15 more for the cluster's programs`,
  );
  endWithSignals();
  await withLock(lockFile, () => run(options));
}

async function run(options: Options): Promise<void> {
  const inCluster = clusterGroups.filter((group) => options.groups.includes(group));
  const figures = inCluster.length === 0 ? [] : await measureInCluster(options, inCluster);
  if (options.groups.includes('data')) {
    say('data:');
    figures.push(...(await measureDataPath({ rounds: options.rounds, only: options.archive, say })));
  }
  if (options.groups.includes('snapshots')) {
    say('snapshots:');
    figures.push(...(await measureSnapshots({ rounds: options.rounds, say })));
  }
  if (options.groups.includes('size')) {
    say('size:');
    figures.push(...(await measureSize({ claims: options.claims, say })));
  }
  await mkdir(resultsDir, { recursive: true });
  await writeFile(resultsFile, `${JSON.stringify(figures, null, 2)}\n`);
  process.stdout.write(`${table(figures)}\n`);
  say('written to bench/results/latest.json');
}

/** Without these, the controller would outlive an interrupted run (see controller-process.ts). */
function endWithSignals(): void {
  for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143 })) {
    process.once(signal, () => {
      say('interrupted; a cluster of the benchmark stays up: node test/cluster/main.ts down --name bench');
      process.exit(code);
    });
  }
}

async function measureInCluster(options: Options, groups: readonly ClusterGroup[]): Promise<Figure[]> {
  await buildController();
  await using ground = await openGround(options, say);
  await using site = await openSite(ground.kubeconfig);
  await sweep(site);
  const { hostAddress } = ground;
  await using archives = await startArchiveServer({
    host: hostAddress ?? '127.0.0.1',
    routes: { '/tiny.tar.gz': { body: tarGz([{ name: 'hello.txt', data: 'hello\n' }]) } },
  });
  await provide(site, archiveSource.name, `${archives.url}/tiny.tar.gz`);
  const figures: Figure[] = [];
  for (const group of groups) {
    if (hostAddress === undefined && (group === 'pod' || group === 'pods')) {
      say(`${group}: left out, since --host-address is not given`);
      continue;
    }
    say(`${group}:`);
    figures.push(...(await measure({ site, ground, options, say }, group)));
  }
  return figures;
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
});

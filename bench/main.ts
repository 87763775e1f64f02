/** Measures Volprime against what Kubernetes itself needs for the same work: prints a table, writes bench/results/latest.json. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startArchiveServer } from '../test/support/archive-server.ts';
import { tarGz } from '../test/support/archives.ts';
import { buildController } from './controller-process.ts';
import { type Figure, table } from './figures.ts';
import { type Ground, openGround } from './ground.ts';
import { measure } from './measure.ts';
import { archiveSource } from './objects.ts';
import { type Group, type Options, parseOptions, usage } from './options.ts';
import { openSite, provide, type Site, sweep } from './site.ts';

const resultsDir = join(import.meta.dirname, 'results');
const resultsFile = join(resultsDir, 'latest.json');

/** Minutes on two cores with three rounds, for the word on how long it takes. */
const minutes: Readonly<Record<Group, number>> = { claim: 1, claims: 3, pod: 2, pods: 4 };

const say = (line: string) => void process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) return void process.stdout.write(usage);
  const total = options.groups.reduce((sum, group) => sum + minutes[group], 1);
  say(
    `measuring ${options.groups.join(', ')}: about ${total} minutes, the first time up to 15 more for the cluster's programs`,
  );
  await buildController();
  await using ground = await openGround(options, say);
  await using site = await openSite(ground.kubeconfig);
  await sweep(site);
  const figures = await measureAll(options, ground, site);
  await mkdir(resultsDir, { recursive: true });
  await writeFile(resultsFile, `${JSON.stringify(figures, null, 2)}\n`);
  process.stdout.write(`${table(figures)}\n`);
  say('written to bench/results/latest.json');
}

async function measureAll(options: Options, ground: Ground, site: Site): Promise<Figure[]> {
  const { hostAddress } = ground;
  await using archives = await startArchiveServer({
    host: hostAddress ?? '127.0.0.1',
    routes: { '/tiny.tar.gz': { body: tarGz([{ name: 'hello.txt', data: 'hello\n' }]) } },
  });
  await provide(site, archiveSource.name, `${archives.url}/tiny.tar.gz`);
  const figures: Figure[] = [];
  for (const group of options.groups) {
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

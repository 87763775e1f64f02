/**
 * Every sample, applied as it lies in samples/ with only its placeholders replaced, served by the Deployment of deploy/ with its own
 * rights and from the built image; what its consumer reads is compared with what the archive holds.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLUSTER_UP_MS, projectDir } from './harness/cluster.ts';
import { type Content, contentOf } from './harness/content.ts';
import { controllerLogs, sampleImage } from './harness/deployment.ts';
import { expectNothingLeft } from './harness/invariants.ts';
import { readBack } from './harness/read-back.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';

const TEST_MS = 5 * 60_000;

/** The smallest manifest that must work, word for word. */
const smallest = `apiVersion: provider.example.com/v1
kind: Provider
metadata: { name: provider1 }
spec: { sourceURL: "https://example.com/data.tar.gz", extractPath: "/data" }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: app-data }
spec:
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: 5Gi } }
  storageClassName: fast-ssd
  dataSourceRef: { apiGroup: provider.example.com, kind: Provider, name: provider1 }
`;

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite('alone');
  await suite.deploy();
}, CLUSTER_UP_MS);
afterAll(async () => {
  await suite?.cluster.kubectl(['delete', 'storageclass', 'local-path-populated', '--ignore-not-found']);
  await suite?.[Symbol.asyncDispose]();
}, SUITE_DOWN_MS);

interface Sample {
  readonly name: string;
  readonly play: (namespace: string) => Promise<void>;
}

/** A sample whose Provider names an archive and whose consumer lists what it found. */
interface ArchiveSample {
  readonly file: string;
  /** Of the archive, on the server that stands in for archives.example.com. */
  readonly path: string;
  readonly consumer: string;
  /** What the consumer says of each file, and in the end. */
  readonly lines: (content: Content) => string;
  readonly ending: string;
  readonly authorization?: string;
}

const sizes = ({ files }: Content) =>
  Object.keys(files)
    .sort()
    .map((path) => `./${path} ${files[path]?.length} bytes`)
    .join('\n');
const sizesAndDigests = ({ files, listing }: Content) =>
  listing
    .split('\n')
    .map((line) => line.split('  '))
    .map(([digest, path = '']) => `${path} ${files[path.slice(2)]?.length} bytes ${digest}`)
    .join('\n');

const archiveSamples: readonly ArchiveSample[] = [
  {
    file: 'database-init/database-init.yaml',
    path: '/database/seed.tar.gz',
    consumer: 'job/database',
    lines: sizes,
    ending: 'data directory ready: 4 files',
  },
  {
    file: 'application-prefill/application-prefill.yaml',
    path: '/application/assets.tar.gz',
    consumer: 'pod/application',
    lines: sizes,
    ending: 'assets ready',
  },
  {
    file: 'environment-sync/environment-sync.yaml',
    path: '/production/latest.tar.gz',
    consumer: 'job/staging',
    lines: sizes,
    ending: "staging has production's data",
    authorization: 'Bearer replace-me',
  },
  {
    file: 'backup-restore/backup-restore.yaml',
    path: '/backups/2026-11-01.tar.gz',
    consumer: 'job/verify-restore',
    lines: sizesAndDigests,
    ending: 'restore verified',
  },
  {
    file: 'any-provisioner/any-provisioner.yaml',
    path: '/models/latest.tar.gz',
    consumer: 'job/inference',
    lines: sizes,
    ending: 'models are on local storage',
  },
];

const samples: readonly Sample[] = [
  { name: 'provider.yaml, the smallest manifest, word for word', play: playSmallest },
  ...archiveSamples.map((sample) => ({
    name: sample.file,
    play: (namespace: string) => playArchive(namespace, sample),
  })),
  { name: 'plugins/http-transfer: TypeScript that the Deployment loads from a ConfigMap', play: playTransfer },
  { name: 'plugins/image-only: a container image and a few lines of YAML', play: playImageOnly },
];

describe('the samples', () => {
  testTogether(
    samples,
    async ({ play }) => {
      const namespace = await suite.namespace('sample');
      await play(namespace);
      await expectNothingLeft(suite.cluster, namespace);
    },
    TEST_MS,
  );

  test('need no right that the Deployment does not have', async () => {
    const logs = await controllerLogs(suite.cluster);
    expect(logs.split('\n').filter((line) => line.includes('FORBIDDEN'))).toEqual([]);
  });
});

async function playArchive(namespace: string, sample: ArchiveSample): Promise<void> {
  const { archives, cluster } = suite;
  const { file, path, consumer, lines, ending, authorization } = sample;
  const content = contentOf(path);
  archives.set(path, { body: content.archive, ...(authorization !== undefined && { authorization }) });
  await applySample(namespace, file, content);
  await finished(namespace, consumer);
  const log = await cluster.kubectl(['logs', consumer, `--namespace=${namespace}`]);
  expect(log).toBe(`${lines(content)}\n${ending}\n`);
  expect(archives.requests.filter((request) => request.path === path)).toHaveLength(1);
}

async function playSmallest(namespace: string): Promise<void> {
  const { archives, cluster } = suite;
  expect(readFileSync(join(projectDir, 'samples/provider.yaml'), 'utf8')).toBe(smallest);
  const content = contentOf('smallest');
  archives.set('/data.tar.gz', { body: content.archive });
  const manifest = smallest.replace('https://example.com', archives.url);
  await cluster.kubectl(['apply', '--filename=-', `--namespace=${namespace}`], manifest);
  const read = await readBack(cluster, namespace, ['app-data']);
  expect(read).toEqual({ 'app-data': content.listing.replaceAll('./', './data/') });
}

async function playTransfer(namespace: string): Promise<void> {
  const { transfers, cluster } = suite;
  await applySample(namespace, 'plugins/http-transfer/sample.yaml');
  expect(await readBack(cluster, namespace, ['genome'])).toEqual({ genome: transfers.listing('genome') });
  await expectNothingLeft(cluster, namespace);
  expect(transfers.started('genome')).toHaveLength(1);
  expect(transfers.remembered('genome')).toEqual([]);
}

async function playImageOnly(namespace: string): Promise<void> {
  await applySample(namespace, 'plugins/image-only/sample.yaml');
  await finished(namespace, 'job/motd');
  const log = await suite.cluster.kubectl(['logs', 'job/motd', `--namespace=${namespace}`]);
  expect(log).toContain('Whoever reads this reads it from a volume\nthat a container image has filled.\n77 bytes\n');
}

/** Replaces what the samples' README calls placeholders: the host, the image that consumers run, the checksum. */
async function applySample(namespace: string, file: string, content?: Content): Promise<void> {
  const { archives, cluster } = suite;
  const manifest = readFileSync(join(projectDir, 'samples', file), 'utf8')
    .replaceAll('https://archives.example.com', archives.url)
    // In the Secret's "hosts": the tests' server speaks plain http, which has to be named.
    .replaceAll('archives.example.com', archives.url)
    .replaceAll(sampleImage, cluster.toolboxImage)
    .replace('# checksum: "sha256:<64 lower-case hexadecimal digits>"', `checksum: ${content?.checksum}`);
  await cluster.kubectl(['apply', '--filename=-', `--namespace=${namespace}`], manifest);
}

async function finished(namespace: string, consumer: string): Promise<void> {
  const condition = consumer.startsWith('job/') ? 'condition=Complete' : 'jsonpath={.status.phase}=Succeeded';
  await suite.cluster.kubectl(['wait', consumer, `--for=${condition}`, '--timeout=120s', `--namespace=${namespace}`]);
}

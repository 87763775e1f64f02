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
  suite = await openSuite();
  await suite.deploy();
}, CLUSTER_UP_MS);
afterAll(async () => {
  await suite?.[Symbol.asyncDispose]();
}, SUITE_DOWN_MS);

interface Sample {
  readonly file: string;
  /** Of the archive, on the server that stands in for archives.example.com. */
  readonly path: string;
  readonly consumer: string;
  /** The consumer's first words on each file. */
  readonly lines: (content: Content) => string;
  readonly ending: string;
}

const sizes = ({ files }: Content) =>
  Object.keys(files)
    .sort()
    .map((path) => `./${path} ${files[path]?.length} bytes`)
    .join('\n');

const samples: readonly Sample[] = [
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
  },
  {
    file: 'backup-restore/backup-restore.yaml',
    path: '/backups/2026-11-01.tar.gz',
    consumer: 'job/verify-restore',
    lines: ({ files, listing }) =>
      listing
        .split('\n')
        .map((line) => {
          const [digest, path = ''] = line.split('  ');
          return `${path} ${files[path.slice(2)]?.length} bytes ${digest}`;
        })
        .join('\n'),
    ending: 'restore verified',
  },
];

describe('the samples', () => {
  test.each(samples)(
    '$file',
    async ({ file, path, consumer, lines, ending }) => {
      const { archives, cluster } = suite;
      const namespace = await suite.namespace('sample');
      const content = contentOf(path);
      const token = file.startsWith('environment-sync') ? { authorization: 'Bearer replace-me' } : {};
      archives.set(path, { body: content.archive, ...token });
      await applySample(namespace, file, content);
      await finished(namespace, consumer);

      const log = await cluster.kubectl(['logs', consumer, `--namespace=${namespace}`]);
      expect(log).toBe(`${lines(content)}\n${ending}\n`);
      expect(archives.requests.filter((request) => request.path === path)).toHaveLength(1);
      await expectNothingLeft(cluster, namespace);
    },
    TEST_MS,
  );

  test(
    'provider.yaml, the smallest manifest, word for word',
    async () => {
      const { archives, cluster } = suite;
      expect(readFileSync(join(projectDir, 'samples/provider.yaml'), 'utf8')).toBe(smallest);
      const namespace = await suite.namespace('smallest');
      const content = contentOf('smallest');
      archives.set('/data.tar.gz', { body: content.archive });
      const manifest = smallest.replace('https://example.com', archives.url);
      await cluster.kubectl(['apply', '--filename=-', `--namespace=${namespace}`], manifest);

      const read = await readBack(cluster, namespace, ['app-data']);
      expect(read).toEqual({ 'app-data': content.listing.replaceAll('./', './data/') });
      await expectNothingLeft(cluster, namespace);
    },
    TEST_MS,
  );
});

describe('the plugins of the samples', () => {
  test(
    'http-transfer: TypeScript that the Deployment loads from a ConfigMap',
    async () => {
      const { transfers, cluster } = suite;
      const namespace = await suite.namespace('transfer');
      await applySample(namespace, 'plugins/http-transfer/sample.yaml');
      expect(await readBack(cluster, namespace, ['genome'])).toEqual({ genome: transfers.listing('genome') });
      await expectNothingLeft(cluster, namespace);
      expect(transfers.started('genome')).toHaveLength(1);
      expect(transfers.remembered('genome')).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'image-only: a container image and a few lines of YAML',
    async () => {
      const { cluster } = suite;
      const namespace = await suite.namespace('image-only');
      await applySample(namespace, 'plugins/image-only/sample.yaml');
      await finished(namespace, 'job/motd');
      const log = await cluster.kubectl(['logs', 'job/motd', `--namespace=${namespace}`]);
      expect(log).toContain(
        'Whoever reads this reads it from a volume\nthat a container image has filled.\n77 bytes\n',
      );
      await expectNothingLeft(cluster, namespace);
    },
    TEST_MS,
  );
});

test('the Deployment has every right that it needed', async () => {
  expect((await controllerLogs(suite.cluster)).split('\n').filter((line) => line.includes('FORBIDDEN'))).toEqual([]);
});

/** Replaces what the samples' README calls placeholders: the host, the image that consumers run, the checksum. */
async function applySample(namespace: string, file: string, content?: Content): Promise<void> {
  const { archives, cluster } = suite;
  const manifest = readFileSync(join(projectDir, 'samples', file), 'utf8')
    .replaceAll('https://archives.example.com', archives.url)
    .replaceAll('archives.example.com', new URL(archives.url).host)
    .replaceAll(sampleImage, cluster.toolboxImage)
    .replace('# checksum: "sha256:<64 lower-case hexadecimal digits>"', `checksum: ${content?.checksum}`);
  await cluster.kubectl(['apply', '--filename=-', `--namespace=${namespace}`], manifest);
}

async function finished(namespace: string, consumer: string): Promise<void> {
  const condition = consumer.startsWith('job/') ? 'condition=Complete' : 'jsonpath={.status.phase}=Succeeded';
  await suite.cluster.kubectl(['wait', consumer, `--for=${condition}`, '--timeout=120s', `--namespace=${namespace}`]);
}

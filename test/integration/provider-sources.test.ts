/** Providers whose sources are no plain URLs, from spec to populated directory, from servers that speak S3 and OCI for real. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { providerSpecSchema } from '../../src/api/provider.ts';
import { runTask } from '../../src/plugins/download-and-extract/run.ts';
import { TASK_VERSION } from '../../src/plugins/download-and-extract/task.ts';
import { tarGz } from '../support/archives.ts';
import { pusher, startRegistry, types } from '../support/oci-registry.ts';
import { startS3Server } from '../support/s3-server.ts';

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'provider-sources-'));
});
afterAll(() => rmSync(work, { recursive: true }));

function directory(...names: readonly string[]): string {
  const path = join(work, ...names);
  mkdirSync(path, { recursive: true });
  return path;
}

/** @returns what was populated: the content of each file by its path. */
async function populated(spec: object, credentialsDir = ''): Promise<Readonly<Record<string, string>>> {
  const path = mkdtempSync(join(work, 'volume-'));
  await runTask(
    {
      version: TASK_VERSION,
      plugin: 'download-and-extract',
      attemptId: 'u-1',
      targets: [{ path, kind: 'directory', spec: providerSpecSchema.parse(spec) }],
    },
    {
      credentialsDir,
      proxyCredentialsDir: '',
      caBundleDir: '',
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      onProgress: () => undefined,
      signal: AbortSignal.timeout(60_000),
    },
  );
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return [file.slice(path.length + 1), readFileSync(file, 'utf8')];
    }),
  );
}

test('s3://bucket/key, signed with the keys of the Secret', async () => {
  await using server = await startS3Server(directory('s3'));
  await server.put('data', 'archives/a b.tar.gz', tarGz([{ name: 'app/a', data: 'from a bucket' }]));
  const secret = directory('secret');
  const { accessKeyId, secretAccessKey, region, url } = server;
  const keys = { hosts: url, accessKeyId, secretAccessKey };
  for (const [key, value] of Object.entries(keys)) writeFileSync(join(secret, key), value);
  const spec = { sourceURL: 's3://data/archives/a b.tar.gz', s3: { endpoint: url, region }, stripComponents: 1 };
  expect(await populated({ ...spec, secretRef: { name: 'keys' } }, secret)).toEqual({ a: 'from a bucket' });
  await expect(populated(spec)).rejects.toMatchObject({ code: 'SourceUnauthorized' });
}, 600_000);

test('oci://registry/repository:tag, all of its layers in their order', async () => {
  await using registry = await startRegistry(directory('registry'));
  const layers = [
    [
      { name: 'a', data: 'old' },
      { name: 'b', data: 'kept' },
    ],
    [{ name: 'a', data: 'new' }, { name: '.wh.b' }],
  ];
  const image = layers.map((entries) => ({ mediaType: types.layer, bytes: tarGz(entries) }));
  const { digest } = await pusher(registry.url, 'team/image').image(image, 'v1');
  const repository = `oci://${new URL(registry.url).host}/team/image`;
  expect(await populated({ sourceURL: `${repository}:v1` })).toEqual({ a: 'new' });
  expect(await populated({ sourceURL: `${repository}@${digest}`, include: ['a'] })).toEqual({ a: 'new' });
  const wrong = `sha256:${'0'.repeat(64)}`;
  await expect(populated({ sourceURL: `${repository}:v1`, checksum: wrong })).rejects.toMatchObject({
    code: 'ChecksumMismatch',
  });
}, 600_000);

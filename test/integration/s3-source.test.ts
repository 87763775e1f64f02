import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { openSource } from '../../src/extract/source/open-source.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';

const body = randomBytes(20_000_000);
const key = 'deep/a b+c=é&@,;:~.tar';
const logger = { debug() {}, info() {}, warn() {}, error() {} };

let work: string;
let server: S3Server;
const between: Server[] = [];
beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 's3-'));
  mkdirSync(join(work, 'server'));
  server = await startS3Server(join(work, 'server'));
  await server.put('buck-et', key, body);
}, 600_000);
afterEach(() => {
  for (const one of between.splice(0)) one.close().closeAllConnections();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(work, { recursive: true, force: true });
});

function secret(hosts: string, keys: Readonly<Record<string, string>> = {}): string {
  const dir = mkdtempSync(join(work, 'secret-'));
  const { accessKeyId, secretAccessKey } = server;
  for (const [name, value] of Object.entries({ hosts, accessKeyId, secretAccessKey, ...keys })) {
    writeFileSync(join(dir, name), value);
  }
  return dir;
}

interface Asked {
  readonly url?: string;
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentialsDir?: string | undefined;
}

async function download({ url = `s3://buck-et/${key}`, endpoint = server.url, ...asked }: Asked): Promise<Buffer> {
  const region = asked.region ?? server.region;
  const credentialsDir = 'credentialsDir' in asked ? asked.credentialsDir : secret(endpoint);
  const retryPolicy = { toOpen: 1, toGoOn: 3, baseMs: 1, capMs: 5 };
  await using source = await openSource(
    { urls: [url], checksum: undefined, s3: { endpoint, region } },
    { credentialsDir, logger, retryPolicy, signal: AbortSignal.timeout(60_000) },
  );
  const content = Buffer.alloc((source.length ?? 0) + 1);
  let filled = 0;
  for (let count = -1; count !== 0; filled += count)
    count = await source.read(content.subarray(filled, filled + 262_144));
  return content.subarray(0, filled);
}

/** Passes everything on, but breaks the first answer with a body after so many bytes. */
async function breakingAfter(
  bytes: number,
): Promise<{ readonly url: string; readonly ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = [];
  const proxy = createServer((asked, answer) => {
    ranges.push(asked.headers.range);
    const first = ranges.length === 1;
    const onward = request(server.url + asked.url, { headers: asked.headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 500, answered.headers);
      let passed = 0;
      answered.on('data', (piece: Buffer) => {
        passed += piece.length;
        answer.write(piece);
        if (first && passed >= bytes) answer.destroy();
      });
      answered.on('end', () => answer.end());
    });
    onward.on('error', () => answer.destroy());
    onward.end();
  });
  between.push(proxy);
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, ranges };
}

describe('an object', () => {
  test('is read with the keys of the Secret, whatever its name', async () => {
    expect((await download({})).equals(body)).toBe(true);
  });

  test('is gone on with under its ETag when the connection breaks', async () => {
    await server.put('buck-et', 'small', body.subarray(0, 3_000_000));
    const { url, ranges } = await breakingAfter(1_000_000);
    // The signature is of the host that is asked, so the one in between must pass for the server.
    const received = await download({ url: 's3://buck-et/small', endpoint: url });
    expect(received.equals(body.subarray(0, 3_000_000))).toBe(true);
    expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)]);
  });

  test.each<[string, () => Asked, string, string]>([
    ['that is not there', () => ({ url: 's3://buck-et/none' }), 'SourceNotFound', '404'],
    ['without keys', () => ({ credentialsDir: undefined }), 'SourceUnauthorized', '403'],
    [
      'with a wrong key',
      () => ({ credentialsDir: secret(server.url, { secretAccessKey: 'x' }) }),
      'SourceUnauthorized',
      '403',
    ],
    ['of another region', () => ({ region: 'us-east-1' }), 'SourceRefused', 's3.region'],
    [
      'over plain http, which the Secret does not allow',
      () => ({ credentialsDir: secret(new URL(server.url).host) }),
      'CredentialsInvalid',
      'add "http://',
    ],
    [
      'at a host that the Secret does not list',
      () => ({ credentialsDir: secret('example.com') }),
      'CredentialsInvalid',
      '"hosts"',
    ],
  ])('%s is refused, for good, and no key is told', async (_what, asked, code, words) => {
    const refused = download(asked());
    await expect(refused).rejects.toMatchObject({
      code,
      retry: { type: 'never' },
      message: expect.stringContaining(words),
    });
    await expect(refused).rejects.toMatchObject({ message: expect.not.stringMatching(/geheim|AKID|Signature/) });
  });
});

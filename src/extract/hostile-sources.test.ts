/** Rows 21 to 25 of the numbered corpus (docs/archives.md): servers that break, lie or stall, each through the real download into a directory. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ArchiveServer, type Route, startArchiveServer } from '../../test/support/archive-server.ts';
import { createAuthority } from '../../test/support/certificates.ts';
import { tar } from '../../test/support/archives.ts';
import { jobOf, layerOf } from '../../test/support/extraction.ts';
import { silent } from '../../test/support/silent-logger.ts';
import { populate } from './populate.ts';
import { openSource } from './source/open-source.ts';
import type { SourceContext } from './source/session.ts';
import { lockDirectory } from './write/target-lock.ts';

jest.setTimeout(60_000);

const data = randomBytes(400_000);
const archive = gzipSync(tar([{ name: 'f', data }]));
const other = gzipSync(tar([{ name: 'f', data: randomBytes(400_000) }]));
const sha256 = (body: Buffer) => `sha256:${createHash('sha256').update(body).digest('hex')}`;
const headers = { etag: '"v1"' };
const cutAfter = Math.floor(archive.length * 0.37);

let work: string;
let root: string;
let server: ArchiveServer;
beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'hostile-sources-'));
  root = mkdtempSync(join(work, 'target-'));
  server = await startArchiveServer({ host: '127.0.0.1' });
});
afterEach(async () => {
  await server.close();
  rmSync(work, { recursive: true });
});

/** A directory of programs with all that a population needs but the lock's. */
function withoutFlock(parent: string): string {
  const directory = mkdtempSync(join(parent, 'programs-'));
  symlinkSync('/bin/sync', join(directory, 'sync'));
  return directory;
}

type Options = Partial<SourceContext> & { readonly checksum?: string; readonly url?: string };

/** One attempt. */
async function run(route: Route, { checksum, url, ...more }: Options = {}) {
  server.set('/a', { body: archive, headers, ranges: true, ...route });
  const signal = AbortSignal.timeout(30_000);
  const context = {
    credentialsDir: undefined,
    logger: silent,
    timeouts: { connectMs: 2000, headersMs: 300, idleMs: 300 },
    retryPolicy: { toOpen: 3, toGoOn: 3, baseMs: 1, capMs: 20 },
    signal,
    ...more,
  };
  const layer = layerOf({ urls: [url ?? `${server.url}/a`], checksum });
  return populate(jobOf(root, { layers: [layer] }), {
    openSource: (one) => openSource(one, context),
    logger: silent,
    onProgress: () => undefined,
    signal,
  });
}

async function arrives(route: Route, options?: Options): Promise<void> {
  await run(route, options);
  expect(readFileSync(join(root, 'f')).equals(data)).toBe(true);
  expect(readdirSync(root)).toEqual(['f']);
}

/** @param again whether another attempt may do better. */
async function fails(route: Route, code: string, again: boolean, options?: Options): Promise<void> {
  const retry = again ? { type: expect.stringMatching(/^(backoff|after)$/) } : { type: 'never' };
  await expect(run(route, options)).rejects.toMatchObject({ code, retry });
}

describe('row 21: cut at 37 %', () => {
  test('the same version goes on where it broke', async () => {
    await arrives({ inTurn: [{ cutAfter }] });
    expect(server.requests.map(({ headers }) => headers.range)).toEqual([undefined, `bytes=${cutAfter}-`]);
  });

  test.each<[string, Route]>([
    ['the whole body', { ranges: false }],
    ['another version', { body: other, headers: { etag: '"v2"' } }],
    ['no such part', { status: 416 }],
  ])('%s in answer ends the attempt; the next one begins clean', async (_what, second) => {
    await fails({ inTurn: [{ cutAfter }, second] }, 'SourceChanged', true);
    await arrives({});
  });
});

describe('row 22: lies', () => {
  test.each([
    ['more', archive.length + 5],
    ['less', archive.length - 5],
  ])('a Content-Length of %s than comes', async (_what, announce) => {
    const outcome = run({ announce, ranges: false });
    await expect(outcome).rejects.toMatchObject({ code: expect.stringMatching(/^(Source|Archive)/) });
  });

  test('a part from another place', async () => {
    const lie = { status: 206, headers: { ...headers, 'content-range': `bytes 0-9/${archive.length}` } };
    await fails({ inTurn: [{ cutAfter }, lie] }, 'SourceChanged', true);
  });

  test('"Content-Encoding: gzip" for an archive that is gzip itself undoes nothing twice', async () => {
    await arrives({ headers: { ...headers, 'content-encoding': 'gzip' } });
  });

  test('a page to log in, with status 200', async () => {
    await fails({ body: Buffer.from('<!doctype html><form>') }, 'NotAnArchive', false);
  });

  test('no length at all', async () => {
    await arrives({ chunked: true, ranges: false });
  });
});

describe('row 23: patience', () => {
  const year = new Date(Date.now() + 365 * 86_400_000).toUTCString();
  test.each([
    ['seconds', '7', 7000],
    ['a year of seconds', '31536000', 3_600_000],
    ['a date in a year', year, 3_600_000],
  ])('a Retry-After of %s ends the attempt, and at most an hour later comes the next', async (_what, value, ms) => {
    for (const status of [429, 503]) {
      const busy = run({ status, headers: { 'retry-after': value } });
      await expect(busy).rejects.toMatchObject({ code: 'SourceBusy', retry: { type: 'after', ms } });
    }
  });

  test('a transfer that stands still', async () => {
    await fails({ gate: server.gate(), gateAfter: 1000, headers: {}, ranges: false }, 'SourceStalled', true);
  });

  test('a slow drip is a download, up to the time that a whole download may take', async () => {
    await arrives({ bytesPerSecond: 2_000_000 });
    await fails({ bytesPerSecond: 20_000 }, 'SourceStalled', true, { totalMs: 500 });
  });

  test('redirects that never end, and those that lead nowhere', async () => {
    await fails({ redirectTo: '/a' }, 'RedirectRefused', false);
    for (const status of [301, 302, 307, 308]) await fails({ status }, 'RedirectRefused', false);
    await fails({ redirectTo: 'ftp://host/a' }, 'RedirectRefused', false);
  });

  test('a bucket of S3 in another region says which one, and no place', async () => {
    const elsewhere = { status: 301, headers: { 'x-amz-bucket-region': 'eu-west-1' } };
    await expect(run(elsewhere)).rejects.toMatchObject({ message: expect.stringMatching(/eu-west-1.*s3\.region/) });
  });

  test('a redirect from https to http', async () => {
    const authority = createAuthority(work);
    const tls = authority.issue('server');
    await using secure = await startArchiveServer({ host: '127.0.0.1', tls });
    secure.set('/a', { redirectTo: `${server.url}/a` });
    await fails({}, 'RedirectRefused', false, { url: `${secure.url}/a`, caBundle: authority.file });
    expect(server.requests).toHaveLength(0);
  });
});

test('row 23: a redirect to another host gets no credentials, and the Secret must name the first', async () => {
  const secret = (hosts: string) => {
    const dir = mkdtempSync(join(work, 'secret-'));
    for (const [key, value] of Object.entries({ hosts, token: 'abc' })) writeFileSync(join(dir, key), value);
    return dir;
  };
  await using foreign = await startArchiveServer({ host: '127.0.0.1', routes: { '/a': { body: archive } } });
  await arrives({ redirectTo: `${foreign.url}/a` }, { credentialsDir: secret(server.url) });
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer abc']);
  expect(foreign.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  await fails({}, 'CredentialsInvalid', false, { credentialsDir: secret('elsewhere.example') });
});

describe('row 25: at the end', () => {
  test('a checksum that does not match', async () => {
    await fails({}, 'ChecksumMismatch', false, { checksum: sha256(other) });
    await arrives({}, { checksum: sha256(archive) });
  });

  test('two pods on one volume: the lock refuses the second before it touches anything', async () => {
    const first = await lockDirectory(root);
    writeFileSync(join(root, 'of-the-first'), '');
    await fails({}, 'VolumeBusy', true);
    expect(readdirSync(root)).toEqual(['of-the-first']);
    await first[Symbol.asyncDispose]();
    await arrives({});
  });

  test('where there is no such lock the volume is populated all the same', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = withoutFlock(work);
    try {
      await arrives({});
    } finally {
      process.env['PATH'] = path;
    }
  });

  test('an attempt that ended half-way leaves nothing that the next one keeps', async () => {
    const half = gzipSync(tar([{ name: 'old', data }])).subarray(0, 350_000);
    await fails({ body: half }, 'SourceTruncated', true);
    expect(readdirSync(root)).toEqual(['old']);
    await arrives({});
  });
});

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ArchiveServer, type Route, startArchiveServer } from '../../../test/support/archive-server.ts';
import { startConnectProxy } from '../../../test/support/connect-proxy.ts';
import { createAuthority } from '../../../test/support/certificates.ts';
import { silent } from '../../../test/support/silent-logger.ts';
import { type Location, openSource } from './open-source.ts';
import type { SourceContext } from './session.ts';

const body = randomBytes(300_000);
const other = randomBytes(300_000);
const checksum = `sha256:${createHash('sha256').update(body).digest('hex')}`;
const strong = { etag: '"v1"' };
const quick = {
  credentialsDir: undefined,
  logger: silent,
  timeouts: { connectMs: 2000, headersMs: 300, idleMs: 300 },
  retryPolicy: { toOpen: 3, toGoOn: 3, baseMs: 1, capMs: 20 },
};

let server: ArchiveServer;
beforeEach(async () => {
  server = await startArchiveServer({ host: '127.0.0.1', routes: { '/a': { body } } });
});
afterEach(async () => {
  for (const name of ['HTTP_PROXY', 'NO_PROXY']) delete process.env[name];
  await server.close();
});

type Options = Partial<Location> & Partial<SourceContext> & { readonly paths?: readonly string[] };

/** Reads it to its end, in pieces that fit neither the server's nor the network's. */
async function download({ paths = ['/a'], ...options }: Options = {}): Promise<Buffer> {
  const signal = AbortSignal.timeout(10_000);
  const location = { urls: paths.map((path) => new URL(path, server.url).href), checksum: undefined, s3: undefined };
  await using source = await openSource({ ...location, ...options }, { ...quick, signal, ...options });
  const pieces: Buffer[] = [];
  for (;;) {
    const into = Buffer.alloc(70_001);
    const count = await source.read(into);
    if (count === 0) return Buffer.concat(pieces);
    pieces.push(into.subarray(0, count));
  }
}

function serve(route: Route, options?: Options): Promise<Buffer> {
  server.set('/a', route);
  return download(options);
}

const ranges = () => server.requests.map(({ headers }) => [headers.range, headers['if-range']]);

describe('a body', () => {
  test.each<[string, Route]>([
    ['with its length', { body }],
    ['without a length', { body, chunked: true }],
    ['of nothing', { body: Buffer.alloc(0) }],
    ['that is already compressed, as its encoding says', { body, headers: { 'content-encoding': 'gzip' } }],
  ])('%s comes as it is', async (_what, route) => {
    expect((await serve(route)).equals(route.body ?? body)).toBe(true);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers).toMatchObject({ 'accept-encoding': 'identity' });
  });

  test('in an encoding that nothing undoes is refused', async () => {
    const refused = serve({ body, headers: { 'content-encoding': 'br' } });
    await expect(refused).rejects.toMatchObject({ code: 'SourceRefused', retry: { type: 'never' } });
  });

  test('is not asked for faster than it may come', async () => {
    const started = performance.now();
    expect((await download({ bandwidth: 1_000_000 })).equals(body)).toBe(true);
    // A floor: the last of ten slices a second begins only when the ones before it were paid for.
    expect(performance.now() - started).toBeGreaterThan(150);
  });

  test('that takes too long as a whole is given up', async () => {
    const late = serve({ body, bytesPerSecond: 100_000 }, { totalMs: 300 });
    await expect(late).rejects.toMatchObject({
      code: 'SourceStalled',
      message: expect.stringContaining('took longer'),
    });
  });
});

describe('a transfer that breaks goes on', () => {
  const cuts = [{ cutAfter: 100_000 }, { cutAfter: 50_000 }];

  test('where the ETag is strong, under it', async () => {
    expect((await serve({ body, headers: strong, ranges: true, inTurn: cuts })).equals(body)).toBe(true);
    expect(ranges()).toEqual([
      [undefined, undefined],
      ['bytes=100000-', '"v1"'],
      ['bytes=150000-', '"v1"'],
    ]);
  });

  test('where the date is old enough, under it', async () => {
    const date = new Date(Date.now() - 3_600_000).toUTCString();
    const headers = { 'last-modified': date };
    expect((await serve({ body, headers, ranges: true, inTurn: cuts })).equals(body)).toBe(true);
    expect(ranges()[1]).toEqual(['bytes=100000-', date]);
  });

  test('without a validator where a checksum will decide', async () => {
    expect((await serve({ body, ranges: true, inTurn: cuts }, { checksum })).equals(body)).toBe(true);
    expect(ranges()[1]).toEqual(['bytes=100000-', undefined]);
  });

  test('without a known length', async () => {
    const inTurn = [{ cutAfter: 100_000, chunked: true }];
    expect((await serve({ body, headers: strong, ranges: true, inTurn })).equals(body)).toBe(true);
  });

  test('however often, as long as each try brings something', async () => {
    const inTurn = Array.from({ length: 9 }, () => ({ cutAfter: 30_000 }));
    expect((await serve({ body, headers: strong, ranges: true, inTurn })).equals(body)).toBe(true);
    expect(server.requests).toHaveLength(10);
  });

  test('after answers that ask for patience', async () => {
    const busy = { status: 503, headers: { 'retry-after': '0' } };
    const inTurn = [{ cutAfter: 100_000 }, busy];
    expect((await serve({ body, headers: strong, ranges: true, inTurn })).equals(body)).toBe(true);
  });

  test('when it stood still', async () => {
    const inTurn = [{ gate: server.gate(), gateAfter: 100_000 }];
    expect((await serve({ body, headers: strong, ranges: true, inTurn })).equals(body)).toBe(true);
    expect(ranges()[1]).toEqual(['bytes=100000-', '"v1"']);
  });

  test('from the start where nothing came', async () => {
    expect((await serve({ body, inTurn: [{ cutAfter: 0 }] })).equals(body)).toBe(true);
  });
});

describe('a transfer that breaks ends the attempt', () => {
  const cut = { cutAfter: 100_000 };
  const part = { headers: { ...strong, 'content-range': 'bytes 100000-299999/300000' } };
  const cases: [what: string, route: Route, code: string][] = [
    ['without a validator', { body, ranges: true, inTurn: [cut] }, 'SourceTruncated'],
    ['with a weak ETag', { body, headers: { etag: 'W/"v1"' }, ranges: true, inTurn: [cut] }, 'SourceTruncated'],
    [
      'with a date of just now',
      { body, headers: { 'last-modified': new Date().toUTCString() }, ranges: true, inTurn: [cut] },
      'SourceTruncated',
    ],
    ['where parts are not served', { body, headers: strong, inTurn: [cut] }, 'SourceChanged'],
    [
      'where the body has changed',
      { body: other, headers: { etag: '"v2"' }, ranges: true, inTurn: [{ ...cut, body, headers: strong }] },
      'SourceChanged',
    ],
    [
      'where a part of another version comes all the same',
      { body, headers: strong, inTurn: [cut, { ...part, status: 206, headers: { ...part.headers, etag: '"v2"' } }] },
      'SourceChanged',
    ],
    [
      'where the part names no version',
      {
        body,
        inTurn: [
          { ...cut, headers: strong },
          { status: 206, headers: { 'content-range': 'bytes 100000-299999/300000' } },
        ],
      },
      'SourceChanged',
    ],
    ['where there is no such part', { body, headers: strong, inTurn: [cut, { status: 416 }] }, 'SourceChanged'],
    ['where it is gone', { body, headers: strong, inTurn: [cut, { status: 404 }] }, 'SourceNotFound'],
    [
      'where the server comes back later than anybody waits',
      { body, headers: strong, inTurn: [cut, { status: 503, headers: { 'retry-after': '9' } }] },
      'SourceBusy',
    ],
    [
      'where it never gets further',
      { body, headers: strong, ranges: true, inTurn: [cut, { cutAfter: 0 }, { cutAfter: 0 }, { cutAfter: 0 }] },
      'SourceUnreachable',
    ],
  ];
  test.each(cases)('%s', async (_what, route, code) => {
    await expect(serve(route)).rejects.toMatchObject({ code });
  });

  test.each([
    ['another start', 'bytes 99999-299999/300000'],
    ['another total', 'bytes 100000-299999/300001'],
    ['no total', 'bytes 100000-299999/*'],
    ['an end behind the total', 'bytes 100000-300000/300000'],
    ['an end before its start', 'bytes 100000-99999/300000'],
    ['an end that is not that of its length', 'bytes 100000-299998/300000'],
    ['another unit', 'lines 100000-299999/300000'],
    ['nothing', ''],
  ])('where the part has a Content-Range with %s', async (_what, range) => {
    const lie = { status: 206, body: body.subarray(100_000), headers: { ...strong, 'content-range': range } };
    await expect(serve({ body, headers: strong, inTurn: [cut, lie] })).rejects.toMatchObject({ code: 'SourceChanged' });
  });
});

describe('a large body is asked for again over a connection of its own', () => {
  const directFrom = 100_000;

  test('which brings it', async () => {
    const route = { body, headers: strong, inTurn: [{ gate: server.gate(), gateAfter: 10 }] };
    expect((await serve(route, { directFrom })).equals(body)).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  test('and again after a break', async () => {
    const route = { body, headers: strong, ranges: true, inTurn: [{}, { cutAfter: 100_000 }] };
    expect((await serve(route, { directFrom })).equals(body)).toBe(true);
    expect(ranges().slice(2)).toEqual([
      ['bytes=100000-', '"v1"'],
      ['bytes=100000-', '"v1"'],
    ]);
  });

  test.each<[string, Route]>([
    ['is of another version', { body: other, headers: { etag: '"v2"' } }],
    ['has another length', { body: body.subarray(1) }],
    ['is not given a second time', { status: 403 }],
    ['is chunked', { body, chunked: true }],
    ['is redirected', { redirectTo: '/elsewhere' }],
  ])('unless what comes there %s', async (_what, second) => {
    expect((await serve({ body, headers: strong, inTurn: [{}, second] }, { directFrom })).equals(body)).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  test('unless there is a proxy', async () => {
    process.env['HTTP_PROXY'] = 'http://127.0.0.1:1';
    process.env['NO_PROXY'] = '127.0.0.1';
    expect((await download({ directFrom })).equals(body)).toBe(true);
    expect(server.requests).toHaveLength(1);
  });
});

describe('before the first byte', () => {
  test('what may pass is waited for, a few times', async () => {
    expect((await serve({ body, status: 503, failFirst: 2 })).equals(body)).toBe(true);
    server.set('/b', { status: 500 });
    await expect(download({ paths: ['/b'] })).rejects.toMatchObject({ code: 'SourceUnreachable' });
    expect(server.requests.filter(({ path }) => path === '/b')).toHaveLength(3);
  });

  test.each([
    ['7', 7000],
    ['99999999', 3_600_000],
  ])('a Retry-After of %s is left to the next attempt', async (value, ms) => {
    const busy = serve({ status: 429, headers: { 'retry-after': value } });
    await expect(busy).rejects.toMatchObject({ code: 'SourceBusy', retry: { type: 'after', ms } });
    expect(server.requests).toHaveLength(1);
  });

  test.each([404, 401, 403, 400, 206, 204])('status %i is final', async (status) => {
    await expect(serve({ status })).rejects.toMatchObject({ retry: { type: 'never' } });
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    ['ftp://host/a', 'http, https, s3 or oci'],
    ['a.tar', 'http, https, s3 or oci'],
    ['http://user:geheim@host/a', 'must not hold credentials'],
  ])('%s is no address', async (url, words) => {
    const refused = download({ urls: [url] });
    await expect(refused).rejects.toMatchObject({ code: 'InvalidSource', message: expect.stringContaining(words) });
    await expect(refused).rejects.toMatchObject({ message: expect.not.stringContaining('geheim') });
  });
});

describe('of several mirrors', () => {
  test('the first that answers is read', async () => {
    server.set('/missing', { status: 404 });
    server.set('/broken', { status: 500 });
    expect((await download({ paths: ['/missing', '/broken', '/a'] })).equals(body)).toBe(true);
    expect(server.requests.map(({ path }) => path)).toEqual(['/missing', '/broken', '/a']);
  });

  test('none that answers: the failure is one that may pass, if there is any', async () => {
    server.set('/missing', { status: 404 });
    server.set('/broken', { status: 500 });
    await expect(download({ paths: ['/missing', '/broken'] })).rejects.toMatchObject({ code: 'SourceUnreachable' });
    await expect(download({ paths: ['/missing', '/missing'] })).rejects.toMatchObject({ code: 'SourceNotFound' });
  });

  test('another goes on where a checksum will decide', async () => {
    server.set('/first', { body, cutAfter: 100_000, inTurn: [{}, { status: 404 }] });
    server.set('/a', { body, ranges: true });
    expect((await download({ paths: ['/first', '/a'], checksum })).equals(body)).toBe(true);
    expect(ranges().at(-1)).toEqual(['bytes=100000-', undefined]);
  });

  test.each<[string, Route, string | undefined]>([
    ['without a checksum', { body, ranges: true }, undefined],
    ['where the length is another', { body: body.subarray(1), ranges: true }, checksum],
    ['where it serves no parts', { body }, checksum],
  ])('another does not go on %s', async (_what, route, declared) => {
    server.set('/first', { body, cutAfter: 100_000, inTurn: [{}, { status: 404 }] });
    server.set('/a', route);
    const failed = download({ paths: ['/first', '/a'], checksum: declared });
    await expect(failed).rejects.toMatchObject({ code: declared === undefined ? 'SourceTruncated' : 'SourceChanged' });
  });
});

describe('a proxy', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const proxy of servers.splice(0)) proxy.close();
  });

  /** It answers everything itself, with the address it was asked for. */
  async function aProxy(): Promise<string> {
    const proxy = createServer((request, response) => response.end(`asked for ${request.url}`));
    servers.push(proxy);
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  }

  test('that is named is asked, before that of the environment', async () => {
    process.env['HTTP_PROXY'] = 'http://127.0.0.1:1';
    const urls = ['http://archives.invalid/a'];
    expect(String(await download({ urls, proxy: await aProxy() }))).toBe('asked for http://archives.invalid/a');
  });

  test('of the environment is asked', async () => {
    process.env['HTTP_PROXY'] = await aProxy();
    expect(String(await download({ urls: ['http://archives.invalid/a'] }))).toBe('asked for http://archives.invalid/a');
  });

  test('that does not let a host be reached is told of as the cause', async () => {
    await using refusing = await startConnectProxy({ host: '127.0.0.1', hosts: {} });
    await expect(download({ urls: ['https://archives.invalid/a'], proxy: refusing.url })).rejects.toMatchObject({
      code: 'SourceUnreachable',
      message: expect.stringContaining('the proxy did not connect'),
    });
    expect(new Set(refusing.asked)).toEqual(new Set(['archives.invalid:443']));
  });

  test('is not asked for what NO_PROXY names', async () => {
    process.env['NO_PROXY'] = '127.0.0.1';
    expect((await download({ proxy: 'http://127.0.0.1:1' })).equals(body)).toBe(true);
  });

  test.each([
    ['socks5://host', 'http or https'],
    ['http://user:geheim@host', 'user name'],
  ])('%s is refused', async (proxy, words) => {
    const refused = download({ proxy });
    await expect(refused).rejects.toMatchObject({ code: 'InvalidSource', message: expect.stringContaining(words) });
  });
});

describe('https', () => {
  let work: string;
  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), 'https-'));
  });
  afterEach(() => rmSync(work, { recursive: true }));

  const secret = (keys: Readonly<Record<string, string>>) => {
    const dir = mkdtempSync(join(work, 'secret-'));
    for (const [key, value] of Object.entries(keys)) writeFileSync(join(dir, key), value);
    return dir;
  };

  test('of an authority of its own is trusted where the bundle names it, and only there', async () => {
    const authority = createAuthority(work);
    const routes = { '/a': { body } };
    await using secure = await startArchiveServer({ host: '127.0.0.1', tls: authority.issue('server'), routes });
    const urls = [`${secure.url}/a`];
    await expect(download({ urls })).rejects.toMatchObject({ code: 'SourceTLSFailed' });
    expect((await download({ urls, caBundle: authority.file })).equals(body)).toBe(true);
    for (const [caBundle, words] of [
      [join(work, 'missing'), 'cannot be read'],
      [join(work, 'server.key'), 'no certificate'],
    ] as const) {
      const message = expect.stringContaining(words);
      await expect(download({ urls, caBundle })).rejects.toMatchObject({ code: 'InvalidSource', message });
    }
  });

  test('through a proxy, with the certificate of its own authority and a name that only the proxy knows', async () => {
    const authority = createAuthority(work);
    const tls = { ...authority.issue('server', 'DNS:archives.example'), ca: authority.cert };
    const { cert, key } = authority.issue('client');
    await using secure = await startArchiveServer({ host: '127.0.0.1', tls, routes: { '/a': { body } } });
    await using proxy = await startConnectProxy({ host: '127.0.0.1', hosts: { 'archives.example': '127.0.0.1' } });
    const host = `archives.example:${new URL(secure.url).port}`;
    const trust = { hosts: host, proxies: proxy.url, 'ca.crt': authority.cert };
    const credentialsDir = secret({ ...trust, token: 'abc', 'tls.crt': cert, 'tls.key': key });
    const options = { urls: [`https://${host}/a`], caBundle: authority.file, proxy: proxy.url, credentialsDir };
    expect((await download(options)).equals(body)).toBe(true);
    expect(proxy.asked).toEqual([host]);
    expect(secure.requests[0]?.headers.authorization).toBe('Bearer abc');
  });

  test('with a client certificate, which no other host sees', async () => {
    const authority = createAuthority(work);
    const tls = { ...authority.issue('server'), ca: authority.cert };
    const { cert, key } = authority.issue('client');
    const routes = { '/a': { body } };
    await using secure = await startArchiveServer({ host: '127.0.0.1', tls, routes });
    await using foreign = await startArchiveServer({ host: '127.0.0.1', tls, routes });
    const { host } = new URL(secure.url);
    const credentialsDir = secret({ hosts: host, 'ca.crt': authority.cert, 'tls.crt': cert, 'tls.key': key });
    const options = { caBundle: authority.file, urls: [`${secure.url}/a`] };
    await expect(download(options)).rejects.toMatchObject({ retry: { type: 'backoff' } });
    expect((await download({ ...options, credentialsDir })).equals(body)).toBe(true);
    secure.set('/a', { redirectTo: `${foreign.url}/a` });
    await expect(download({ ...options, credentialsDir })).rejects.toMatchObject({ retry: { type: 'backoff' } });
    expect(foreign.requests).toEqual([]);
  });
});

test('an abort ends it at once, with its reason', async () => {
  const gate = server.gate();
  const stop = new AbortController();
  const failed = expect(
    serve({ body, gate, gateAfter: 100 }, { signal: stop.signal, timeouts: { ...quick.timeouts, idleMs: 60_000 } }),
  ).rejects.toThrow('enough');
  await gate.reached;
  stop.abort(new Error('enough'));
  await failed;
});

/** Real sockets on loopback: refused without the operator's word, dialled with it, by both kinds of connections. */
import { randomBytes } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ArchiveServer, startArchiveServer } from '../../../../test/support/archive-server.ts';
import { layerOf } from '../../../../test/support/extraction.ts';
import { silent } from '../../../../test/support/silent-logger.ts';
import { type Location, openSource } from '../open-source.ts';
import { resolveLayers } from '../oci/resolve-layers.ts';
import type { SourceContext } from '../session.ts';
import { guardOf } from './address-guard.ts';
import { type AddressPolicy, publicAddresses } from './address-policy.ts';
import { DirectConnection } from './direct-connection.ts';

const body = randomBytes(300_000);
const nothing = publicAddresses();
const loopback = publicAddresses(['127.0.0.0/8', '::1/128']);
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY'];

let server: ArchiveServer;
beforeEach(async () => {
  server = await startArchiveServer({ host: '127.0.0.1', routes: { '/a': { body }, '/app/a': { body } } });
});
afterEach(async () => {
  for (const name of PROXIES) delete process.env[name];
  await server.close();
});

const at = (host: string, path = '/a') => `http://${host}:${new URL(server.url).port}${path}`;

async function download(
  addresses: AddressPolicy | undefined,
  { urls = [server.url + '/a'], s3, ...more }: Partial<Location & SourceContext> = {},
): Promise<number> {
  const context = {
    credentialsDir: undefined,
    addresses,
    logger: silent,
    retryPolicy: { toOpen: 1, toGoOn: 1, baseMs: 1, capMs: 1 },
    timeouts: { connectMs: 2000, headersMs: 2000, idleMs: 2000 },
    directFrom: 0,
    signal: AbortSignal.timeout(10_000),
    ...more,
  };
  await using source = await openSource({ urls, checksum: undefined, s3 }, context);
  let total = 0;
  for (let count = -1; count !== 0; total += count) count = await source.read(Buffer.alloc(100_000));
  return total;
}

const refused = { code: 'AddressNotAllowed', retry: { type: 'never' } };

describe.each(['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]'])('a source at %s', (host) => {
  test('is refused, saying what it is and what allows it', async () => {
    await expect(download(nothing, { urls: [at(host)] })).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/is a loopback address.*allowedAddresses/),
    });
    expect(server.requests).toEqual([]);
  });

  test('is read where the operator allows it, and where nothing is refused', async () => {
    const urls = [at(host)];
    expect(await download(loopback, { urls })).toBe(body.length);
    expect(await download(undefined, { urls })).toBe(body.length);
  });
});

describe('refused as well is', () => {
  test('a redirect', async () => {
    server.set('/a', { redirectTo: at('127.0.0.2') });
    await expect(download(publicAddresses(['127.0.0.1/32']))).rejects.toMatchObject(refused);
    server.set('/a', { redirectTo: at('localhost') });
    const other = publicAddresses(['127.0.0.1/32']);
    // The name has the allowed address too: it alone is dialled.
    server.set('/a', { body, inTurn: [{ redirectTo: at('localhost') }] });
    expect(await download(other)).toBe(body.length);
  });

  test('a mirror', async () => {
    server.set('/a', { status: 404 });
    const urls = [`${server.url}/a`, at('127.0.0.2')];
    await expect(download(publicAddresses(['127.0.0.1/32']), { urls })).rejects.toMatchObject({
      code: 'SourceNotFound',
    });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers.host).toMatch(/^127\.0\.0\.1:/);
  });

  test('an endpoint of S3', async () => {
    const s3 = { endpoint: server.url, region: undefined };
    await expect(download(nothing, { urls: ['s3://bucket/a'], s3 })).rejects.toMatchObject(refused);
    expect(server.requests).toEqual([]);
  });

  test('a registry', async () => {
    const layer = layerOf({ urls: [`oci://${new URL(server.url).host}/app:v1`] });
    const context = {
      credentialsDir: undefined,
      addresses: nothing,
      logger: silent,
      signal: AbortSignal.timeout(9000),
    };
    await expect(resolveLayers([layer], context)).rejects.toMatchObject(refused);
    expect(server.requests).toEqual([]);
  });

  test.each(['127.0.0.1', 'localhost'])('a proxy at %s that the source names', async (host) => {
    const proxy = at(host, '');
    for (const urls of [['http://8.8.8.8/a'], ['https://8.8.8.8/a'], ['http://archives.invalid/a']]) {
      await expect(download(nothing, { urls, proxy })).rejects.toMatchObject(refused);
    }
    expect(server.requests).toEqual([]);
  });
});

describe("the operator's proxy", () => {
  test('may be anywhere, and is asked for public hosts', async () => {
    process.env['HTTP_PROXY'] = server.url;
    for (const proxy of [undefined, server.url]) {
      await download(nothing, { urls: ['http://8.8.8.8/a'], proxy }).catch(() => undefined);
    }
    expect(server.requests).toHaveLength(2);
  });

  test.each(['http://10.0.0.1/a', 'http://169.254.169.254/a', 'http://localhost/a', 'http://[fd00:ec2::254]/a'])(
    'is not asked for %s',
    async (url) => {
      process.env['HTTP_PROXY'] = server.url;
      await expect(download(nothing, { urls: [url] })).rejects.toMatchObject(refused);
      expect(server.requests).toEqual([]);
    },
  );
});

describe('a lookup', () => {
  test('brings what the policy allows and nothing else, whatever a name server says', async () => {
    const policy = publicAddresses(['127.0.0.0/8']);
    const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('127.0.0.1', '10.0.0.1', '::ffff:10.0.0.1', '::1'));
    await fc.assert(
      fc.asyncProperty(fc.array(address, { minLength: 1 }), fc.boolean(), async (addresses, all) => {
        const said = addresses.map((one) => ({ address: one, family: isIP(one) }));
        const guard = guardOf(
          policy,
          () => '',
          (_host, _options, callback) => callback(null, said),
        );
        const allowed = said.filter(({ address }) => policy.objectionTo(address) === undefined);
        const found = await new Promise((resolve) => {
          guard.lookup('name', { all }, (error, address) => resolve(error ?? address));
        });
        const expected = all ? allowed : allowed[0]?.address;
        expect(found).toEqual(allowed.length > 0 ? expected : expect.objectContaining(refused));
        const checked = guard.check('name').then(
          () => true,
          () => false,
        );
        expect(await checked).toBe(allowed.length === said.length);
      }),
    );
  });

  test('is judged anew at each connection: an answer that changes after the first one is of no use', async () => {
    const answers = ['127.0.0.1', '127.0.0.2'];
    const guard = guardOf(
      publicAddresses(['127.0.0.1/32']),
      () => '',
      (_host, _options, callback) => callback(null, [{ address: answers.shift() ?? '', family: 4 }]),
    );
    const options = { connectMs: 1000, headersMs: 1000, idleMs: 1000, signal: AbortSignal.timeout(5000), tls: {} };
    const connect = () => new DirectConnection({ ...options, url: new URL(at('rebinding.example')), guard });
    const first = connect();
    expect((await first.get({}))?.status).toBe(200);
    first.close();
    expect(await connect().get({})).toBeUndefined();
    expect(answers).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  const guard = guardOf(publicAddresses(['127.0.0.1/32']), () => 'Advice.');

  test('leaves out what may not be dialled, so that nothing else can be', async () => {
    const found = await new Promise<string | LookupAddress[]>((resolve, reject) => {
      guard.lookup('localhost', { all: true }, (error, address) => (error ? reject(error) : resolve(address)));
    });
    expect(found).toEqual([{ address: '127.0.0.1', family: 4 }]);
  });

  test('fails where nothing is left, with words for the reader', async () => {
    const none = guardOf(nothing, (host) => `Allow ${host}.`);
    for (const all of [true, false]) {
      const failed = new Promise((resolve, reject) => {
        none.lookup('localhost', { all }, (error, address) => (error ? reject(error) : resolve(address)));
      });
      await expect(failed).rejects.toMatchObject({ ...refused, message: expect.stringContaining('Allow localhost.') });
    }
  });
});

test.each(['127.0.0.1', 'localhost'])('a direct connection to %s is not made', async (host) => {
  const options = { connectMs: 1000, headersMs: 1000, idleMs: 1000, signal: AbortSignal.timeout(5000), tls: {} };
  const url = new URL(at(host));
  const guard = guardOf(nothing, () => '');
  expect(await new DirectConnection({ ...options, url, guard }).get({})).toBeUndefined();
  expect(server.requests).toEqual([]);
  const allowed = new DirectConnection({ ...options, url, guard: guardOf(loopback, () => '') });
  expect((await allowed.get({}))?.status).toBe(200);
  allowed.close();
});

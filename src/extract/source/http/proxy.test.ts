/** Proxies that ask for a user name and password: CONNECT for https, plain requests for http. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ArchiveServer, startArchiveServer } from '../../../../test/support/archive-server.ts';
import { tarGz } from '../../../../test/support/archives.ts';
import { createAuthority } from '../../../../test/support/certificates.ts';
import { type ConnectProxy, startConnectProxy } from '../../../../test/support/connect-proxy.ts';
import { populateTarget } from '../../../../test/support/populate-target.ts';
import { providerSpecSchema } from '../../../api/provider.ts';

const HOST = 'archives.company.example';
const PASSWORD = 'geheim: ä';
const ASKED = `Basic ${Buffer.from(`somebody:${PASSWORD}`).toString('base64')}`;
const body = tarGz([{ name: 'a', data: 'by way of the proxy' }]);

let work: string;
let proxy: ConnectProxy;
let servers: Readonly<Record<'http' | 'https', ArchiveServer>>;
/** Each line that was logged, with its fields. */
let logged: string[];
beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'proxy-'));
  logged = [];
  for (const name of ['ca', 'volume']) mkdirSync(join(work, name));
  const authority = createAuthority(work);
  writeFileSync(join(work, 'ca', 'ca.crt'), authority.cert);
  const routes = { '/a': { body }, '/elsewhere': { redirectTo: '/a' } };
  servers = {
    http: await startArchiveServer({ host: '127.0.0.1', name: HOST, routes }),
    https: await startArchiveServer({
      host: '127.0.0.1',
      name: HOST,
      routes,
      tls: authority.issue('server', `DNS:${HOST}`),
    }),
  };
  proxy = await startConnectProxy({ host: '127.0.0.1', hosts: { [HOST]: '127.0.0.1' }, authorization: ASKED });
});
afterEach(async () => {
  delete process.env['HTTPS_PROXY'];
  await proxy[Symbol.asyncDispose]();
  await Promise.all(Object.values(servers).map((server) => server.close()));
  rmSync(work, { recursive: true });
});

interface Asked {
  readonly scheme: 'http' | 'https';
  /** Of the Secret, beside "hosts". Undefined: the Provider names none. */
  readonly keys?: Readonly<Record<string, string>>;
  readonly hosts?: string;
  readonly path?: string;
}

const login = { username: 'somebody', password: `${PASSWORD}\n` };

async function populate({ scheme, keys, hosts = proxy.url, path = '/a' }: Asked, named = proxy.url) {
  const secret = join(work, 'proxy-credentials');
  mkdirSync(secret);
  for (const [key, value] of Object.entries({ hosts, ...keys })) writeFileSync(join(secret, key), value);
  const spec = providerSpecSchema.parse({
    sourceURL: `${servers[scheme].url}${path}`,
    caBundleRef: { name: 'ca' },
    ...(named !== '' && { proxy: named }),
    ...(keys !== undefined && { proxySecretRef: { name: 'login' } }),
  });
  const log = (message: string, fields?: object) => void logged.push(`${message} ${JSON.stringify(fields)}`);
  return populateTarget({ path: join(work, 'volume'), kind: 'directory', spec }, work, {
    retryPolicy: { toOpen: 3, toGoOn: 3, baseMs: 1, capMs: 1 },
    logger: { debug: log, info: log, warn: log, error: log },
  });
}

/** What an error and all of its causes say. */
function allWords(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error);
  return [error.message, error.stack, error.cause === undefined ? '' : allWords(error.cause)].join('\n');
}

describe.each(['http', 'https'] as const)('a proxy with a password, for %s', (scheme) => {
  test('passes on what comes with user name and password of the Secret, which the server never sees', async () => {
    expect(await populate({ scheme, keys: login, path: '/elsewhere' })).toMatchObject({ files: 1 });
    expect(proxy.asked).toContain(new URL(servers[scheme].url).host);
    expect(servers[scheme].requests.map(({ path }) => path)).toEqual(['/elsewhere', '/a']);
    for (const { headers } of servers[scheme].requests) {
      expect(Object.keys(headers)).not.toContain('proxy-authorization');
      expect(Object.keys(headers)).not.toContain('authorization');
    }
    expect(logged.join('\n')).not.toContain('geheim');
  });

  test.each([
    ['nothing that it asks for', undefined],
    ['another password', { ...login, password: 'geheim-2' }],
  ])('that gets %s ends it for good, saying what to name where', async (_what, keys) => {
    const refused = populate({ scheme, ...(keys && { keys }) });
    await expect(refused).rejects.toMatchObject({
      code: 'ProxyUnauthorized',
      retry: { type: 'never' },
      message: expect.stringMatching(/answered with status 407.*spec\.proxy and spec\.proxySecretRef/),
    });
    const words = allWords(await refused.catch((error: unknown) => error)) + logged.join('\n');
    expect(words).not.toContain('geheim');
    expect(words).not.toContain(Buffer.from('somebody:geheim').toString('base64').slice(0, 16));
    expect(proxy.asked).toHaveLength(1);
    expect(servers[scheme].requests).toEqual([]);
  });
});

test("the operator's proxy asks in the same words", async () => {
  process.env['HTTPS_PROXY'] = proxy.url;
  await expect(populate({ scheme: 'https' }, '')).rejects.toMatchObject({ code: 'ProxyUnauthorized' });
});

test.each([
  ['does not list the proxy', login, '127.0.0.1:1', 'does not list 127.0.0.1:'],
  ['lists nobody', login, ' ', '"hosts" is missing'],
  ['has no password', { username: 'somebody' }, undefined, '"password" is missing beside "username"'],
  ['has neither', {}, undefined, 'it needs "username" and "password"'],
  ['has a colon in the user name', { ...login, username: 'some:body' }, undefined, '"username" must not contain ":"'],
])('a Secret that %s is refused before anything is asked', async (_what, keys, hosts, words) => {
  const refused = populate({ scheme: 'http', keys, ...(hosts !== undefined && { hosts }) });
  await expect(refused).rejects.toMatchObject({ code: 'CredentialsInvalid', message: expect.stringContaining(words) });
  await expect(refused).rejects.toThrow(/^The Secret that proxySecretRef names is not usable: /);
  expect(proxy.asked).toEqual([]);
});

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Layer } from '../../src/extract/job.ts';
import { populate } from '../../src/extract/populate.ts';
import { resolveLayers } from '../../src/extract/source/oci/resolve-layers.ts';
import { openSource } from '../../src/extract/source/open-source.ts';
import { tarGz } from '../support/archives.ts';
import { jobOf } from '../support/extraction.ts';
import { type Descriptor, pusher, startRegistry, types } from '../support/oci-registry.ts';
import type { ServerProcess } from '../support/server-process.ts';

const logger = { debug() {}, info() {}, warn() {}, error() {} };
const layers = [randomBytes(300_000), randomBytes(20_000_000), randomBytes(10)];
const image = layers.map((bytes) => ({ mediaType: types.layer, bytes }));

let work: string;
let registry: ServerProcess;
let host: string;
let pushed: Descriptor;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'oci-'));
  registry = await startRegistry(directory('open'));
  host = new URL(registry.url).host;
  pushed = await pusher(registry.url, 'team/image').image(image, 'v1');
}, 600_000);
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  rmSync(work, { recursive: true, force: true });
});

function directory(name: string): string {
  const dir = join(work, name);
  mkdirSync(dir);
  return dir;
}

function secret(keys: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(work, 'secret-'));
  for (const [key, value] of Object.entries(keys)) writeFileSync(join(dir, key), value);
  return dir;
}

function layer(urls: readonly string[], checksum?: string): Layer {
  const rest = { format: undefined, stripComponents: 0, include: [], exclude: [], s3: undefined };
  return { urls, checksum, ...rest };
}

const context = (credentialsDir?: string) => ({
  credentialsDir,
  logger,
  retryPolicy: { toOpen: 1, toGoOn: 3, baseMs: 1, capMs: 5 },
  signal: AbortSignal.timeout(60_000),
});

/** What is read in the end, with the layers that it was resolved to. */
async function read(layer: Layer, credentialsDir?: string) {
  const resolved = await resolveLayers([layer], context(credentialsDir));
  const bodies: Buffer[] = [];
  for (const one of resolved) {
    await using source = await openSource(one, context(credentialsDir));
    const body = Buffer.alloc(source.length ?? 0);
    let filled = 0;
    for (let count = -1; count !== 0; filled += count)
      count = await source.read(body.subarray(filled, filled + 262_144));
    bodies.push(body.subarray(0, filled));
  }
  return { resolved, bodies };
}

describe('an image', () => {
  test('is its layers from the uppermost down, each with its digest', async () => {
    const { resolved, bodies } = await read(layer([`oci://${host}/team/image:v1`]));
    expect(bodies.map((body, index) => body.equals(layers.at(-1 - index) ?? Buffer.alloc(0)))).toEqual([
      true,
      true,
      true,
    ]);
    expect(resolved.map(({ checksum }) => checksum)).toEqual(
      layers.toReversed().map((bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`),
    );
    expect(new Set(resolved.map(({ image }) => image)).size).toBe(1);
    expect(resolved[0]?.image).toBeDefined();
  });

  test('is found by its digest, which is compared', async () => {
    expect((await read(layer([`oci://${host}/team/image@${pushed.digest}`]))).bodies).toHaveLength(3);
    expect((await read(layer([`oci://${host}/team/image:v1`], pushed.digest))).bodies).toHaveLength(3);
    const other = `sha256:${'0'.repeat(64)}`;
    const mismatch = read(layer([`oci://${host}/team/image:v1`], other));
    await expect(mismatch).rejects.toMatchObject({ code: 'ChecksumMismatch', retry: { type: 'never' } });
  });

  test('is found in an index, for this machine', async () => {
    const push = pusher(registry.url, 'team/index');
    const mine = await push.image([{ mediaType: types.layer, bytes: Buffer.from('mine') }]);
    const other = await push.image([{ mediaType: types.layer, bytes: Buffer.from('other') }]);
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    const manifests = [
      { ...other, platform: { os: 'linux', architecture: 's390x' } },
      { ...mine, platform: { os: 'linux', architecture } },
    ];
    await push.manifest({ mediaType: types.index, manifests }, 'both');
    await push.manifest(
      { mediaType: types.index, manifests: manifests.slice(0, 1).concat(manifests.slice(0, 1)) },
      'none',
    );
    expect(String((await read(layer([`oci://${host}/team/index:both`]))).bodies)).toBe('mine');
    const missing = read(layer([`oci://${host}/team/index:none`]));
    await expect(missing).rejects.toMatchObject({ code: 'SourceNotFound', message: expect.stringContaining('s390x') });
  });

  test('whose registry is away is found at its mirror, its layers too', async () => {
    const urls = ['oci://127.0.0.1:1/team/image:v1', `oci://${host}/team/image:v1`];
    expect((await read(layer(urls))).bodies).toHaveLength(3);
  });

  test('that is not there is not found', async () => {
    for (const name of ['team/image:v2', 'team/none:v1']) {
      await expect(read(layer([`oci://${host}/${name}`]))).rejects.toMatchObject({ code: 'SourceNotFound' });
    }
  });
});

test('an image becomes the tree that its layers make', async () => {
  const below = tarGz([
    { name: 'kept', data: 'below' },
    { name: 'replaced', data: 'below' },
    { name: 'gone', data: 'below' },
    { name: 'emptied/', type: '5', mode: 0o700 },
    { name: 'emptied/old', data: 'below' },
  ]);
  const above = tarGz([
    { name: 'replaced', data: 'above' },
    { name: '.wh.gone' },
    { name: 'emptied/', type: '5', mode: 0o755 },
    { name: 'emptied/.wh..wh..opq' },
    { name: 'emptied/new', data: 'above' },
  ]);
  const layers = [below, above].map((bytes) => ({ mediaType: types.layer, bytes }));
  await pusher(registry.url, 'team/tree').image(layers, 'v1');
  const root = directory('tree');
  const resolved = await resolveLayers([layer([`oci://${host}/team/tree:v1`])], context());
  for (const smallBody of [0, 1_000_000]) {
    await populate(jobOf(root, { layers: resolved }), {
      openSource: (one) => openSource(one, context()),
      logger,
      onProgress: () => undefined,
      signal: context().signal,
      smallBody,
    });
    const found = Object.fromEntries(
      readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((name) => !statSync(join(root, name)).isDirectory())
        .map((name) => [name, readFileSync(join(root, name), 'utf8')]),
    );
    expect(found).toEqual({ kept: 'below', replaced: 'above', 'emptied/new': 'above' });
    expect(statSync(join(root, 'emptied')).mode & 0o777).toBe(0o755);
  }
});

test('an artifact is its files, none of which hides another', async () => {
  const file = { mediaType: types.file, bytes: Buffer.from('some file') };
  await pusher(registry.url, 'team/artifact').image([file], 'v1');
  const { resolved, bodies } = await read(layer([`oci://${host}/team/artifact:v1`]));
  expect(String(bodies)).toBe('some file');
  expect(resolved.map(({ image }) => image)).toEqual([undefined]);
});

describe('a registry that wants to know who asks', () => {
  const password = 'geheim';

  test('is told the user by his password', async () => {
    const dir = directory('basic');
    // The user "reader" with the password above; the registry knows bcrypt alone.
    writeFileSync(join(dir, 'htpasswd'), 'reader:$2y$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu\n');
    await using guarded = await startRegistry(dir, `auth: {htpasswd: {realm: test, path: ${join(dir, 'htpasswd')}}}\n`);
    const { host } = new URL(guarded.url);
    const authorization = `Basic ${Buffer.from(`reader:${password}`).toString('base64')}`;
    await pusher(guarded.url, 'team/image', { authorization }).image(image.slice(0, 1), 'v1');
    const source = layer([`oci://${host}/team/image:v1`]);
    expect((await read(source, secret({ hosts: guarded.url, username: 'reader', password }))).bodies).toHaveLength(1);
    for (const dir of [undefined, secret({ hosts: guarded.url, username: 'reader', password: 'other' })]) {
      const refused = read(source, dir);
      await expect(refused).rejects.toMatchObject({ code: 'SourceUnauthorized', retry: { type: 'never' } });
      await expect(refused).rejects.toMatchObject({ message: expect.not.stringContaining('other') });
    }
  });

  test('gets a token of the service that the registry names, which no other host sees', async () => {
    const dir = directory('token');
    await using service = await startTokenService({ user: 'reader', password });
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    service.sign = (claims) => signed(claims, privateKey);
    writeFileSync(
      join(dir, 'jwks.json'),
      JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig', alg: 'ES256' }] }),
    );
    const token = `{realm: "${service.url}/token", service: test, issuer: test, jwks: ${join(dir, 'jwks.json')}}`;
    await using guarded = await startRegistry(dir, `auth: {token: ${token}}\n`);
    const { host } = new URL(guarded.url);
    const pushing = { authorization: `Bearer ${service.tokenFor('team/image', ['pull', 'push'])}` };
    await pusher(guarded.url, 'team/image', pushing).image(image.slice(0, 2), 'v1');
    const source = layer([`oci://${host}/team/image:v1`]);

    const both = secret({ hosts: `${guarded.url} ${service.url}`, username: 'reader', password });
    expect((await read(source, both)).bodies).toHaveLength(2);
    expect(service.asked).toContain(`Basic ${Buffer.from(`reader:${password}`).toString('base64')}`);

    service.asked.length = 0;
    // No public address, and not listed: a hostile registry could name any server that is reached from here.
    for (const dir of [undefined, secret({ hosts: guarded.url, username: 'reader', password })]) {
      await expect(read(source, dir)).rejects.toMatchObject({
        code: 'AddressNotAllowed',
        message: expect.stringContaining('"hosts"'),
      });
    }
    expect(service.asked).toEqual([]);
  });
});

/** Gives tokens to one user, and to others tokens that allow nothing. */
async function startTokenService({ user, password }: { readonly user: string; readonly password: string }) {
  const asked: (string | undefined)[] = [];
  const known = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const tokenFor = (name: string, actions: readonly string[]) => {
    const now = Math.floor(Date.now() / 1000);
    const times = { iat: now - 5, nbf: now - 5, exp: now + 60, jti: randomBytes(8).toString('hex') };
    return service.sign({
      iss: 'test',
      aud: 'test',
      sub: user,
      ...times,
      access: [{ type: 'repository', name, actions }],
    });
  };
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    asked.push(authorization);
    const scope = new URL(request.url ?? '', 'http://service').searchParams.get('scope') ?? '';
    const [, name = ''] = scope.split(':');
    response.end(JSON.stringify({ token: tokenFor(name, authorization === known ? ['pull'] : []) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const service = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What was sent as Authorization, request by request. */
    asked,
    sign: (_claims: object): string => '',
    tokenFor,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return service;
}

function signed(claims: object, key: KeyObject): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const content = `${encode({ alg: 'ES256', typ: 'JWT', kid: 'k' })}.${encode(claims)}`;
  return `${content}.${sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ArchiveServer, startArchiveServer } from '../../../../test/support/archive-server.ts';
import { layerOf } from '../../../../test/support/extraction.ts';
import { silent } from '../../../../test/support/silent-logger.ts';
import { openSource } from '../open-source.ts';
import { parseChallenge } from './challenge.ts';
import { parseManifest } from './manifest.ts';
import { blobAddress, manifestUrl, parseBlobAddress, parseReference } from './reference.ts';
import { resolveLayers } from './resolve-layers.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';

test('an image has a limit of layers', () => {
  const manifest = (count: number) =>
    JSON.stringify({ layers: Array.from({ length: count }, () => ({ mediaType: layerType, digest, size: 1 })) });
  expect(parseManifest(manifest(4096), 'amd64')).toHaveProperty('layers.length', 4096);
  expect(() => parseManifest(manifest(4097), 'amd64')).toThrow(
    expect.objectContaining({ code: 'LimitExceeded', message: expect.stringContaining('4097 layers') }),
  );
});

describe('a reference', () => {
  test.each([
    ['oci://r.example/team/app:v1', 'https://r.example/v2/team/app/manifests/v1'],
    ['oci://r.example:5000/app', 'https://r.example:5000/v2/app/manifests/latest'],
    [`oci://r.example/app@${digest}`, `https://r.example/v2/app/manifests/${digest}`],
    [`oci://r.example/app:v1@${digest}`, `https://r.example/v2/app/manifests/${digest}`],
    ['oci://docker.io/library/busybox:1', 'https://registry-1.docker.io/v2/library/busybox/manifests/1'],
    ['oci://127.0.0.1:5000/app:v1', 'http://127.0.0.1:5000/v2/app/manifests/v1'],
    ['oci://[::1]:5000/app:v1', 'http://[::1]:5000/v2/app/manifests/v1'],
    ['oci://127.0.0.1.evil.example/app:v1', 'https://127.0.0.1.evil.example/v2/app/manifests/v1'],
  ])('%s is at %s', (text, url) => {
    const reference = parseReference(text);
    expect(manifestUrl(reference, reference.version).href).toBe(url);
  });

  test.each([
    'oci://r.example',
    'oci://r.example/',
    'oci://r.example/App:v1',
    'oci://r.example/app:',
    'oci://r.example/../app:v1',
    'oci://user:geheim@r.example/app:v1',
    'oci://r.example/app@sha256:abc',
    'oci://r.example/app?x',
  ])('%s is none', (text) => {
    const refusal = expect(() => parseReference(text));
    refusal.toThrow(expect.objectContaining({ code: 'InvalidSource', message: expect.not.stringContaining('geheim') }));
  });

  test('of a layer comes back as it went', () => {
    const address = blobAddress(parseReference('oci://r.example:5000/team/app:v1'), digest);
    expect(parseBlobAddress(address)?.href).toBe(`https://r.example:5000/v2/team/app/blobs/${digest}`);
    expect(parseBlobAddress('https://r.example/')).toBeUndefined();
  });
});

describe('a challenge', () => {
  test.each([
    [
      'Bearer realm="https://a.example/token",service="r",scope="repository:x:pull"',
      'https://a.example/token?service=r&scope=repository%3Ax%3Apull',
    ],
    ['bearer realm="https://a.example/token?a=b"', 'https://a.example/token?a=b'],
    ['Bearer service=r, realm="https://a.example/t"', 'https://a.example/t?service=r'],
    ['Basic realm="x"', undefined],
    ['Bearer service="r"', undefined],
    ['Bearer realm="file:///etc/passwd"', undefined],
    [undefined, undefined],
  ])('%s asks for a token of %s', (header, url) => {
    expect(parseChallenge(header)?.url.href).toBe(url);
  });
});

describe('a manifest', () => {
  const descriptor = (mediaType: string, more: object = {}) => ({ mediaType, digest, size: 1, ...more });

  test.each([
    [layerType, true],
    ['application/vnd.oci.image.layer.v1.tar', true],
    ['application/vnd.oci.image.layer.v1.tar+zstd', true],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', true],
    ['application/vnd.example.data.tar+gzip', false],
  ])('has a layer of %s, of an image: %s', (mediaType, isImage) => {
    const text = JSON.stringify({ layers: [descriptor(mediaType), descriptor('application/vnd.oci.empty.v1+json')] });
    expect(parseManifest(text, 'amd64')).toEqual({ layers: [digest], isImage });
  });

  test('of an index is the one for this machine, or the only one', () => {
    const platform = (architecture: string) => ({ platform: { os: 'linux', architecture } });
    const [one, other] = [digest, `sha256:${'b'.repeat(64)}`];
    const both = [descriptor('m', platform('arm64')), descriptor('m', { digest: other, ...platform('amd64') })];
    expect(parseManifest(JSON.stringify({ manifests: both }), 'amd64')).toEqual({ next: other });
    expect(parseManifest(JSON.stringify({ manifests: both }), 'arm64')).toEqual({ next: one });
    expect(parseManifest(JSON.stringify({ manifests: both.slice(0, 1) }), 'amd64')).toEqual({ next: one });
  });

  test.each([
    ['no JSON', '<html>', 'not JSON'],
    ['an old one', JSON.stringify({ schemaVersion: 1, fsLayers: [] }), 'neither'],
    ['one without layers', JSON.stringify({ layers: [] }), 'no layers'],
    ['one with a bad digest', JSON.stringify({ layers: [descriptor(layerType, { digest: 'md5:00' })] }), 'neither'],
    [
      'one whose layer is elsewhere',
      JSON.stringify({ layers: [descriptor('application/vnd.oci.image.layer.nondistributable.v1.tar')] }),
      'not kept',
    ],
  ])('is not %s', (_what, text, words) => {
    const refusal = expect(() => parseManifest(text, 'amd64'));
    refusal.toThrow(expect.objectContaining({ code: 'NotAnArchive', message: expect.stringContaining(words) }));
  });
});

describe('a registry that does not behave', () => {
  const blob = Buffer.from('a layer');
  const blobDigest = `sha256:${createHash('sha256').update(blob).digest('hex')}`;
  const manifest = JSON.stringify({ layers: [{ mediaType: layerType, digest: blobDigest, size: blob.length }] });
  const manifestDigest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;

  let work: string;
  let registry: ArchiveServer;
  beforeEach(async () => {
    work = mkdtempSync(join(tmpdir(), 'oci-'));
    registry = await startArchiveServer({ host: '127.0.0.1' });
    registry.set('/v2/app/manifests/v1', { body: Buffer.from(manifest) });
  });
  afterEach(async () => {
    await registry.close();
    rmSync(work, { recursive: true });
  });

  const context = (credentialsDir?: string) => ({
    credentialsDir,
    logger: silent,
    retryPolicy: { toOpen: 1, toGoOn: 1, baseMs: 1, capMs: 1 },
    signal: AbortSignal.timeout(10_000),
  });
  const resolve = (version = ':v1', credentialsDir?: string) => {
    const url = `oci://${new URL(registry.url).host}/app${version}`;
    return resolveLayers([layerOf({ urls: [url] })], context(credentialsDir));
  };

  test('has another manifest under a digest', async () => {
    registry.set(`/v2/app/manifests/${digest}`, { body: Buffer.from(manifest) });
    await expect(resolve(`@${digest}`)).rejects.toMatchObject({ code: 'ChecksumMismatch' });
    registry.set(`/v2/app/manifests/${manifestDigest}`, { body: Buffer.from(manifest) });
    expect(await resolve(`@${manifestDigest}`)).toMatchObject([{ checksum: blobDigest }]);
  });

  test('sends a manifest without an end, or indexes without one', async () => {
    registry.set('/v2/app/manifests/v1', { body: Buffer.alloc(5_000_000, ' ') });
    await expect(resolve()).rejects.toMatchObject({ code: 'SourceRefused' });
    const index = (to: string) => Buffer.from(JSON.stringify({ manifests: [{ mediaType: 'i', digest: to, size: 1 }] }));
    let to = digest;
    for (let depth = 0; depth < 6; depth++) {
      const body = index(to);
      to = `sha256:${createHash('sha256').update(body).digest('hex')}`;
      registry.set(`/v2/app/manifests/${to}`, { body });
    }
    await expect(resolve(`@${to}`)).rejects.toMatchObject({
      code: 'NotAnArchive',
      message: expect.stringContaining('nested'),
    });
  });

  test('gives no token that can be used', async () => {
    const challenge = { 'www-authenticate': `Bearer realm="${registry.url}/token"` };
    registry.set('/v2/app/manifests/v1', { status: 401, headers: challenge });
    registry.set('/token', { body: Buffer.from('{"token": ""}') });
    await expect(resolve()).rejects.toMatchObject({
      code: 'SourceUnreachable',
      message: expect.stringContaining('no token'),
    });
    registry.set('/token', { status: 403 });
    await expect(resolve()).rejects.toMatchObject({ code: 'SourceUnauthorized' });
  });

  describe('names a service for its tokens', () => {
    let service: ArchiveServer;
    beforeEach(async () => {
      service = await startArchiveServer({ host: '127.0.0.1' });
      service.set('/token', { body: Buffer.from('{"access_token": "of-another-service"}') });
    });
    afterEach(() => service.close());

    const asksFor = (realm: string) => ({
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="${realm}"` },
    });
    const sent = () => registry.requests.map(({ headers }) => headers.authorization);

    test('that is not public and not listed: it is not asked, so nothing is handed on', async () => {
      for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]']) {
        const realm = new URL('/token', service.url);
        realm.hostname = host;
        registry.set('/v2/app/manifests/v1', asksFor(realm.href));
        await expect(resolve()).rejects.toMatchObject({
          code: 'AddressNotAllowed',
          message: expect.stringMatching(/loopback address.*"hosts"/),
        });
      }
      expect(service.requests).toEqual([]);
      expect(new Set(sent())).toEqual(new Set([undefined]));
    });

    test('that the Secret lists: it is asked with the password, and the registry gets the token', async () => {
      const keys = { hosts: `${registry.url} ${service.url}`, username: 'u', password: 'p' };
      for (const [name, value] of Object.entries(keys)) writeFileSync(join(work, name), value);
      registry.set('/v2/app/manifests/v1', {
        body: Buffer.from(manifest),
        inTurn: [asksFor(`${service.url}/token`)],
      });
      expect(await resolve(':v1', work)).toMatchObject([{ checksum: blobDigest }]);
      expect(service.requests.map(({ headers }) => headers.authorization)).toEqual(['Basic dTpw']);
      expect(sent()).toEqual(['Basic dTpw', 'Bearer of-another-service']);
    });

    test('that redirects, to wherever: it is not followed', async () => {
      registry.set('/v2/app/manifests/v1', asksFor(`${registry.url}/token`));
      for (const to of [`${service.url}/token`, `${registry.url}/elsewhere`]) {
        registry.set('/token', { redirectTo: to });
        registry.set('/elsewhere', { body: Buffer.from('{"token": "x"}') });
        await expect(resolve()).rejects.toMatchObject({
          code: 'RedirectRefused',
          message: expect.stringContaining('/token'),
        });
      }
      expect(service.requests).toEqual([]);
      expect(registry.requests.filter(({ path }) => path === '/elsewhere')).toEqual([]);
    });

    test('through a host that it redirects to: that challenge is not its own', async () => {
      service.set('/manifest', asksFor(`${service.url}/token`));
      registry.set('/v2/app/manifests/v1', { redirectTo: `${service.url}/manifest` });
      await expect(resolve()).rejects.toMatchObject({ code: 'SourceUnauthorized' });
      expect(service.requests.map(({ path }) => path)).toEqual(['/manifest']);
      expect(sent()).toEqual([undefined]);
    });

    test('by a name that is not known here while a proxy is in the way: it cannot be shown to be public', async () => {
      process.env['HTTP_PROXY'] = service.url;
      process.env['NO_PROXY'] = new URL(registry.url).host;
      try {
        registry.set('/v2/app/manifests/v1', asksFor('http://tokens.invalid/token'));
        await expect(resolve()).rejects.toMatchObject({
          code: 'SourceUnreachable',
          message: expect.stringContaining('"hosts"'),
        });
      } finally {
        for (const name of ['HTTP_PROXY', 'NO_PROXY']) delete process.env[name];
      }
      expect(service.requests).toEqual([]);
    });
  });

  test('redirects to another host, which sees neither token nor password', async () => {
    await using elsewhere = await startArchiveServer({ host: '127.0.0.1', routes: { '/blob': { body: blob } } });
    const { host } = new URL(registry.url);
    for (const [name, value] of Object.entries({ hosts: `http://${host}`, username: 'u', password: 'p' })) {
      writeFileSync(join(work, name), value);
    }
    const challenge = { 'www-authenticate': `Bearer realm="${registry.url}/token"` };
    registry.set('/token', { body: Buffer.from('{"token": "abc"}') });
    registry.set(`/v2/app/blobs/${blobDigest}`, {
      redirectTo: `${elsewhere.url}/blob`,
      inTurn: [{ status: 401, headers: challenge }],
    });
    const [layer] = await resolve(':v1', work);
    if (layer === undefined) throw new Error('no layer');
    await using source = await openSource(layer, context(work));
    const into = Buffer.alloc(100);
    expect(into.subarray(0, await source.read(into)).equals(blob)).toBe(true);
    const sent = registry.requests.filter(({ path }) => path.startsWith('/v2/app/blobs/'));
    expect(sent.map(({ headers }) => headers.authorization)).toEqual(['Basic dTpw', 'Bearer abc']);
    expect(elsewhere.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readSource, type SourceFlags } from './source.ts';

let work: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'source-'));
});
afterEach(() => rmSync(work, { recursive: true }));

const url = 'https://example.com/a.tar.gz';
const provider = (spec: object, name = 'a') =>
  JSON.stringify({ apiVersion: 'provider.example.com/v1', kind: 'Provider', metadata: { name }, spec });
const claim = 'apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n';
const two = [provider({ sourceURL: url }), claim, provider({ sourceURL: `${url}2` }, 'b')].join('\n---\n');

/** @param content of the file that -f names. */
function read(content: string, flags: SourceFlags = {}) {
  const filename = join(work, 'manifest.yaml');
  writeFileSync(filename, content);
  return readSource({ filename, ...flags });
}

describe('a Provider of a file', () => {
  test('is taken with all of its fields', async () => {
    const spec = { layers: [{ sourceURL: url, stripComponents: 1 }], onExisting: 'Merge', extractPath: '/x' };
    expect(await read(provider(spec))).toEqual({ spec, credentialsDir: '', proxyCredentialsDir: '', caBundleDir: '' });
  });

  test('is the one that is named', async () => {
    expect((await read(two, { provider: 'b' })).spec.sourceURL).toBe(`${url}2`);
  });

  test('gets files of this machine in place of what lies in a cluster', async () => {
    const spec = {
      sourceURL: url,
      secretRef: { name: 'login' },
      caBundleRef: { name: 'ca' },
      proxy: 'http://a:1',
      proxySecretRef: { name: 'proxy-login' },
    };
    const flags = {
      credentials: '/login',
      caBundle: '/etc/ca/root.pem',
      proxy: 'http://b:1',
      proxyCredentials: '/proxy',
    };
    expect(await read(provider(spec), flags)).toMatchObject({
      spec: { secretRef: {}, caBundleRef: { key: 'root.pem' }, proxy: 'http://b:1', proxySecretRef: {} },
      credentialsDir: '/login',
      proxyCredentialsDir: '/proxy',
      caBundleDir: '/etc/ca',
    });
  });

  test.each<[string, string, SourceFlags, string]>([
    ['none', claim, {}, 'has no Provider (apiVersion provider.example.com/v1, kind Provider)'],
    ['one of another group', provider({}).replace('example.com', 'example.org'), {}, 'has no Provider'],
    ['several of which none is named', two, {}, 'has several Providers (a, b); name one with --provider'],
    ['none of that name', two, { provider: 'c' }, 'has no Provider c; it has a, b'],
    ['no YAML', 'a: [', {}, 'is not valid YAML'],
    ['a field that is misspelled', provider({ sourceURL: url, checkSum: '' }), {}, '"checkSum"'],
    ['a field that is missing', provider({}), {}, 'spec: say where the source is in sourceURL, or in layers'],
    [
      'a field that is wrong',
      provider({ sourceURL: url, mode: { files: '999' } }),
      {},
      'spec.mode.files: mode.files must',
    ],
    [
      'a Secret whose keys are not given',
      provider({ sourceURL: url, secretRef: { name: 'login' } }),
      {},
      'credentials from the Secret login: put its keys as files into a directory and name that with --credentials',
    ],
    [
      'a Secret for the proxy whose keys are not given',
      provider({ sourceURL: url, proxy: 'http://a:1', proxySecretRef: { name: 'login' } }),
      {},
      'password from the Secret login: put its keys as files into a directory and name that with --proxy-credentials',
    ],
    ['a ConfigMap that is not given', provider({ sourceURL: url, caBundleRef: { name: 'ca' } }), {}, '--ca-bundle'],
  ])('is refused: %s', async (_what, content, flags, words) => {
    const message: unknown = expect.stringContaining(words);
    await expect(read(content, flags)).rejects.toMatchObject({ message, retry: { type: 'never' } });
  });

  test('is refused where the file cannot be read', async () => {
    await expect(readSource({ filename: join(work, 'missing') })).rejects.toMatchObject({ code: 'InvalidSource' });
  });
});

describe('a source of flags', () => {
  test('has the fields of a Provider', async () => {
    const flags = { mirror: [`${url}2`], extractPath: '/x', format: 'Tar', stripComponents: 1, include: ['a'] };
    const { mirror: mirrors, ...fields } = flags;
    expect((await readSource({ url, ...flags })).spec).toEqual({ sourceURL: url, mirrors, ...fields });
  });

  test.each<[string, SourceFlags, string]>([
    ['nothing', {}, '--url URL, or -f FILE'],
    ['no URL', { url: 'a.tar.gz' }, 'sourceURL must be an absolute URL'],
    ['credentials for no proxy', { url, proxyCredentials: '/proxy' }, 'say which one in proxy'],
    ['no number', { url, stripComponents: Number.NaN }, 'spec.stripComponents'],
  ])('is refused: %s', async (_what, flags, words) => {
    await expect(readSource(flags)).rejects.toMatchObject({ message: expect.stringContaining(words) });
  });
});

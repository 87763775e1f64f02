/** Each field of a Provider has the effect that docs/provider.md tells of: a spec in, a populated target out. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ArchiveServer, startArchiveServer } from '../../../test/support/archive-server.ts';
import { tar } from '../../../test/support/archives.ts';
import { createAuthority } from '../../../test/support/certificates.ts';
import { populateTarget } from '../../../test/support/populate-target.ts';
import { zip } from '../../../test/support/zip-archives.ts';
import { providerSpecSchema } from '../../api/provider.ts';
import type { Target } from './task.ts';

const plain = tar([
  { name: 'app/', type: '5', mode: 0o755 },
  { name: 'app/readme', data: 'read me', mode: 0o644, uid: 1234, gid: 4321 },
  { name: 'app/etc/x.conf', data: 'x=1' },
]);
const archive = gzipSync(plain);
const digestOf = (algorithm: string, bytes: Buffer) =>
  `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;

let work: string;
let volume: string;
let server: ArchiveServer;
let sourceURL: string;

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'fields-'));
  volume = join(work, 'volume');
  mkdirSync(volume);
  server = await startArchiveServer({ host: '127.0.0.1', routes: { '/a.tar.gz': { body: archive } } });
  sourceURL = `${server.url}/a.tar.gz`;
});
afterEach(async () => {
  await server.close();
  rmSync(work, { recursive: true });
});

function run(spec: object, { path = volume, kind = 'directory' }: Partial<Pick<Target, 'path' | 'kind'>> = {}) {
  const target = { path, kind, spec: providerSpecSchema.parse({ sourceURL, ...spec }) };
  return populateTarget(target, work, { retryPolicy: { toOpen: 1, toGoOn: 1, baseMs: 1, capMs: 1 } });
}

/** Paths of all files and links, sorted. */
const files = () =>
  readdirSync(volume, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(volume.length + 1))
    .sort();
const content = (path: string) => readFileSync(join(volume, path), 'utf8');

describe('what', () => {
  test('mirrors are asked where the place before has nothing', async () => {
    const missing = `${server.url}/missing`;
    await run({ sourceURL: missing, mirrors: [`${missing}/2`, sourceURL] });
    expect(server.requests.map(({ path }) => path)).toEqual(['/missing', '/missing/2', '/a.tar.gz']);
    expect(files()).toEqual(['app/etc/x.conf', 'app/readme']);
  });

  test.each(['sha256', 'sha512'])('a checksum by %s is held against what was downloaded', async (algorithm) => {
    const checksum = digestOf(algorithm, archive);
    expect(await run({ checksum })).toMatchObject({ verification: 'checksum', digest: checksum });
    const wrong = digestOf(algorithm, Buffer.from('else'));
    await expect(run({ checksum: wrong })).rejects.toMatchObject({
      code: 'ChecksumMismatch',
      message: `Expected ${wrong}, got ${checksum}.`,
    });
  });

  test('format File keeps an archive as it is but for its compression', async () => {
    await run({ format: 'File' });
    expect(files()).toEqual(['a.tar']);
  });

  const members = [
    { name: 'app/readme', data: 'read me' },
    { name: 'app/etc/x.conf', data: 'x=1' },
  ];
  test.each<[string, object, () => Buffer]>([
    ['tar', {}, () => plain],
    ['tar.zst', {}, () => zstdCompressSync(plain)],
    ['tar.xz', {}, () => execFileSync('xz', ['-c'], { input: plain })],
    ['tar.bz2', {}, () => execFileSync('bzip2', ['-c'], { input: plain })],
    ['zip', {}, () => zip(members)],
    ['zip that is said to be one', { format: 'Zip' }, () => zip(members)],
  ])('a format is told by the content: %s', async (_format, spec, body) => {
    server.set('/a.tar.gz', { body: body() });
    await run(spec);
    expect(files()).toEqual(['app/etc/x.conf', 'app/readme']);
    expect(content('app/readme')).toBe('read me');
  });

  test('format Tar takes nothing else', async () => {
    server.set('/text', { body: Buffer.alloc(2000, 'text ') });
    const refused = run({ sourceURL: `${server.url}/text`, format: 'Tar' });
    await expect(refused).rejects.toMatchObject({ code: 'ArchiveCorrupt', retry: { type: 'never' } });
  });

  test.each<[string, object, readonly string[]]>([
    ['stripComponents', { stripComponents: 1 }, ['etc/x.conf', 'readme']],
    ['include', { include: ['app/etc'] }, ['app/etc/x.conf']],
    ['exclude', { exclude: ['**/*.conf'] }, ['app/readme']],
    ['all three', { stripComponents: 1, include: ['etc', 'read*'], exclude: ['etc/x*'] }, ['readme']],
  ])('%s chooses from the names', async (_fields, spec, chosen) => {
    await run(spec);
    expect(files()).toEqual(chosen);
  });

  test('layers go one over the other, each verified by what it says', async () => {
    server.set('/more.tar.zst', { body: zstdCompressSync(tar([{ name: 'app/readme', data: 'read me, too' }])) });
    server.set('/settings.json', { body: Buffer.from('{}') });
    const layers = [
      { sourceURL, checksum: digestOf('sha256', archive) },
      { sourceURL: `${server.url}/more.tar.zst` },
      { sourceURL: `${server.url}/settings.json`, format: 'File' },
    ];
    expect(await run({ sourceURL: undefined, layers })).toMatchObject({ verification: 'archive' });
    expect(files()).toEqual(['app/etc/x.conf', 'app/readme', 'settings.json']);
    expect(content('app/readme')).toBe('read me, too');
  });
});

describe('from where', () => {
  test('caBundleRef is trusted, and nobody is without it', async () => {
    mkdirSync(join(work, 'ca'));
    const authority = createAuthority(join(work, 'ca'));
    const routes = { '/a': { body: archive } };
    await using secure = await startArchiveServer({ host: '127.0.0.1', tls: authority.issue('server'), routes });
    const url = `${secure.url}/a`;
    await expect(run({ sourceURL: url })).rejects.toMatchObject({ code: 'SourceTLSFailed' });
    await run({ sourceURL: url, caBundleRef: { name: 'company-ca' } });
    expect(files()).toEqual(['app/etc/x.conf', 'app/readme']);
  });

  test('proxy is asked for everything', async () => {
    await using proxy = await startProxy(server.url);
    await run({ sourceURL: 'http://archives.invalid/a.tar.gz', proxy: proxy.url });
    expect(proxy.asked).toEqual(['http://archives.invalid/a.tar.gz']);
    expect(files()).toEqual(['app/etc/x.conf', 'app/readme']);
  });

  test('secretRef without the files of a Secret is told, and nothing is asked for', async () => {
    await expect(run({ secretRef: { name: 'x' } })).rejects.toMatchObject({ code: 'CredentialsInvalid' });
    expect(server.requests).toEqual([]);
  });
});

describe('into what', () => {
  test('mode is that of all files, of all directories', async () => {
    await run({ mode: { files: '0640', directories: '0710' } });
    const modes = ['app', 'app/etc', 'app/readme', 'app/etc/x.conf'].map((path) => statSync(join(volume, path)).mode);
    expect(modes.map((mode) => (mode & 0o7777).toString(8))).toEqual(['710', '710', '640', '640']);
  });

  test('onExisting cleans unless told otherwise', async () => {
    writeFileSync(join(volume, 'old'), 'old');
    await run({});
    expect(files()).not.toContain('old');
  });

  test('onExisting Fail leaves a volume alone that is not empty', async () => {
    writeFileSync(join(volume, 'old'), 'old');
    await expect(run({ onExisting: 'Fail' })).rejects.toMatchObject({ code: 'VolumeNotEmpty' });
    expect(files()).toEqual(['old']);
  });

  test('onExisting Merge adds, and replaces what has the same name', async () => {
    mkdirSync(join(volume, 'app'));
    writeFileSync(join(volume, 'app/readme'), 'old');
    writeFileSync(join(volume, 'app/mine'), 'mine');
    await run({ onExisting: 'Merge' });
    expect(files()).toEqual(['app/etc/x.conf', 'app/mine', 'app/readme']);
    expect([content('app/readme'), content('app/mine')]).toEqual(['read me', 'mine']);
  });

  const asRoot = process.getuid?.() === 0 ? describe : describe.skip;
  asRoot('ownership', () => {
    const ownerOf = (path: string) => {
      const { uid, gid } = statSync(join(volume, path));
      return [uid, gid];
    };

    test('is one for all', async () => {
      await run({ ownership: { uid: 999, gid: 998 } });
      for (const path of ['app', 'app/readme', 'app/etc', 'app/etc/x.conf']) expect(ownerOf(path)).toEqual([999, 998]);
    });

    test('is that of the archive', async () => {
      await run({ ownership: { preserve: true } });
      expect(ownerOf('app/readme')).toEqual([1234, 4321]);
    });

    test('is the own otherwise', async () => {
      await run({});
      expect(ownerOf('app/readme')).toEqual([0, 0]);
    });
  });
});

describe('how much', () => {
  const bomb = gzipSync(tar([{ name: 'letters', data: Buffer.alloc(40 * 1024 ** 2, 'a') }]));
  test.each([
    ['bytes', { bytes: '5' }, archive],
    ['files', { files: 1 }, archive],
    ['ratio', { ratio: 20 }, bomb],
  ])('limits.%s ends what goes beyond it', async (field, limits, body) => {
    server.set('/a.tar.gz', { body });
    await expect(run({ limits })).rejects.toMatchObject({
      code: 'LimitExceeded',
      message: expect.stringContaining(`limits.${field}`),
      retry: { type: 'never' },
    });
  });

  test('limits.bandwidth slows the download down', async () => {
    server.set('/a.tar.gz', { body: gzipSync(tar([{ name: 'a', data: Buffer.alloc(100_000, 'x') }]), { level: 0 }) });
    const startedAt = performance.now();
    await run({ limits: { bandwidth: '400k' } });
    // A floor: a quarter of a second's worth of bytes, less the first slice.
    expect(performance.now() - startedAt).toBeGreaterThan(100);
  });
});

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;
asRoot('an image', () => {
  const image = Buffer.alloc(3 * 1024 ** 2, 'an image of a disk');
  let device: string;
  const ofSize = (bytes: number) => {
    const file = join(work, 'disk');
    execFileSync('truncate', ['-s', String(bytes), file]);
    device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
  };
  afterEach(() => void execFileSync('losetup', ['--detach', device]));

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['as it is', (bytes) => bytes],
    ['out of gzip', (bytes) => gzipSync(bytes)],
    ['out of zstd', (bytes) => zstdCompressSync(bytes)],
  ])('goes onto a device, %s', async (_what, compress) => {
    ofSize(4 * 1024 ** 2);
    server.set('/a.tar.gz', { body: compress(image) });
    await run({ format: 'Raw' }, { path: device, kind: 'device' });
    expect(readFileSync(device).subarray(0, image.length).equals(image)).toBe(true);
  });

  test('that is larger than the device is refused', async () => {
    ofSize(1024 ** 2);
    server.set('/a.tar.gz', { body: image });
    const refused = run({ format: 'Raw' }, { path: device, kind: 'device' });
    await expect(refused).rejects.toMatchObject({ code: 'VolumeFull', retry: { type: 'never' } });
  });
});

/** Hands everything on to one server, whatever host it was asked for. */
async function startProxy(
  origin: string,
): Promise<AsyncDisposable & { readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const proxy = createServer((incoming, outgoing) => {
    asked.push(incoming.url ?? '');
    const { pathname } = new URL(incoming.url ?? '');
    request(`${origin}${pathname}`, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    }).end();
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

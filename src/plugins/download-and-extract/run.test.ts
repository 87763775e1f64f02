import { createHash, randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ArchiveServer, type Route, startArchiveServer } from '../../../test/support/archive-server.ts';
import { tar, tarGz } from '../../../test/support/archives.ts';
import { populateTarget } from '../../../test/support/populate-target.ts';
import type { Progress } from '../../extract/progress.ts';
import type { RunOptions } from './run.ts';
import type { Target } from './task.ts';

/** The big one does not compress: an archive of it can be cut in many places. */
const files = { small: 'hello\n', big: randomBytes(100_000) };
const plain = tar([
  { name: './', type: '5' },
  { name: './small', data: files.small },
  { name: './sub/big', data: files.big },
]);
const archive = gzipSync(plain);
const digest = `sha256:${createHash('sha256').update(archive).digest('hex')}`;
const timeouts = { connectMs: 2000, headersMs: 300, idleMs: 300 };
/** What is tried again within one attempt is the source's own matter, and tested there. */
const retryPolicy = { toOpen: 1, toGoOn: 1, baseMs: 1, capMs: 1 };

let work: string;
let volume: string;
let server: ArchiveServer;

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'run-'));
  volume = join(work, 'volume');
  mkdirSync(join(volume, 'lost+found'), { recursive: true });
  server = await startArchiveServer({ host: '127.0.0.1', routes: { '/a.tar.gz': { body: archive } } });
});
afterEach(async () => {
  await server.close();
  rmSync(work, { recursive: true });
});

interface Run extends Partial<RunOptions> {
  readonly spec?: Partial<Target['spec']>;
  readonly path?: string;
}

function run({ spec, path = '/a.tar.gz', ...options }: Run = {}) {
  const target = {
    path: volume,
    kind: 'directory' as const,
    spec: { sourceURL: server.url + path, extractPath: '/', ...spec },
  };
  return populateTarget(target, work, { timeouts, retryPolicy, ...options });
}

function answer(route: Route, options: Run = {}) {
  server.set('/a.tar.gz', route);
  return run(options);
}

test('case 42: an archive that is larger than the volume is refused before it is downloaded', async () => {
  const announce = 2 ** 49;
  await expect(answer({ body: archive, announce })).rejects.toMatchObject({
    code: 'VolumeFull',
    message: expect.stringContaining(`the archive alone has ${announce} bytes`),
    retry: { type: 'never' },
  });
});

describe('a good source', () => {
  test('is downloaded, extracted and reported', async () => {
    expect(await run({ spec: { extractPath: '/data/deep' } })).toEqual({
      digest,
      bytes: archive.length,
      files: 2,
      verification: 'archive',
      durationMs: expect.any(Number),
    });
    expect(readFileSync(join(volume, 'data/deep/sub/big')).equals(files.big)).toBe(true);
    expect(server.requests[0]?.headers).toMatchObject({ 'accept-encoding': 'identity' });
  });

  test('with the right checksum is verified by it', async () => {
    expect(await run({ spec: { checksum: digest } })).toMatchObject({ verification: 'checksum', digest });
  });

  test.each<[string, Route]>([
    ['plain tar', { body: plain }],
    [
      'gzip in several members',
      { body: Buffer.concat([gzipSync(plain.subarray(0, 5000)), gzipSync(plain.subarray(5000))]) },
    ],
    ['gzip with zeros behind it', { body: Buffer.concat([archive, Buffer.alloc(500_000)]) }],
    ['no length', { body: archive, chunked: true }],
    ['a Content-Encoding that is the archive itself', { body: archive, headers: { 'content-encoding': 'gzip' } }],
    ['a Content-Type that lies', { body: archive, headers: { 'content-type': 'text/html' } }],
  ])('%s', async (_what, route) => {
    expect(await answer(route)).toMatchObject({ files: 2 });
    expect(readFileSync(join(volume, 'small'), 'utf8')).toBe(files.small);
  });

  test('replaces what an earlier attempt left behind, whatever its modes, and nothing else', async () => {
    mkdirSync(join(volume, 'old/ro'), { recursive: true });
    writeFileSync(join(volume, 'old/ro/file'), 'stale');
    execFileSync('ln', ['-s', work, join(volume, 'outside')]);
    execFileSync('chmod', ['-R', 'a-w', join(volume, 'old')]);
    await run();
    expect(readdirSync(volume).sort()).toEqual(['lost+found', 'small', 'sub']);
    expect(statSync(work).isDirectory()).toBe(true);
  });

  test('tells its progress', async () => {
    const seen: Progress[] = [];
    await answer({ body: plain, bytesPerSecond: 50_000 }, { onProgress: (progress) => void seen.push(progress) });
    expect(seen[0]).toEqual({
      bytesDone: expect.any(Number),
      bytesTotal: plain.length,
      percent: expect.any(Number),
      files: expect.any(Number),
    });
    expect(seen[0]?.percent).toBeLessThan(100);
  });
});

describe('a source that fails', () => {
  const cases: [what: string, route: Route, code: string, retry: string][] = [
    ['is not there', { status: 404 }, 'SourceNotFound', 'never'],
    ['is gone', { status: 410 }, 'SourceNotFound', 'never'],
    ['wants credentials', { authorization: 'x' }, 'SourceUnauthorized', 'never'],
    ['forbids', { status: 403 }, 'SourceUnauthorized', 'never'],
    ['does not like the request', { status: 400 }, 'SourceRefused', 'never'],
    ['answers with a part', { status: 206, body: archive }, 'SourceRefused', 'never'],
    ['has nothing to say', { status: 204 }, 'SourceRefused', 'never'],
    ['is broken', { status: 500 }, 'SourceUnreachable', 'backoff'],
    ['is busy', { status: 503 }, 'SourceBusy', 'backoff'],
    ['breaks off', { body: archive, cutAfter: 500 }, 'SourceTruncated', 'backoff'],
    ['breaks off without a length', { body: archive, cutAfter: 500, chunked: true }, 'SourceTruncated', 'backoff'],
    ['announces more than it has', { body: archive, announce: archive.length + 9 }, 'SourceTruncated', 'backoff'],
    ['announces less than it has', { body: archive, announce: 500 }, 'SourceTruncated', 'backoff'],
    ['is a cut gzip stream', { body: archive.subarray(0, 500) }, 'SourceTruncated', 'backoff'],
    ['is gzip without its trailer', { body: archive.subarray(0, -8) }, 'SourceTruncated', 'backoff'],
    ['is a cut tar stream', { body: plain.subarray(0, -1024 - 100) }, 'SourceTruncated', 'backoff'],
    [
      'is a cut tar stream in good gzip',
      { body: gzipSync(plain.subarray(0, -1024 - 100)) },
      'SourceTruncated',
      'backoff',
    ],
    ['has a wrong gzip checksum', { body: damaged(archive, -8) }, 'ArchiveCorrupt', 'never'],
    ['has a wrong gzip length', { body: damaged(archive, -1) }, 'ArchiveCorrupt', 'never'],
    [
      'has garbage behind zeros behind the gzip stream',
      { body: Buffer.concat([archive, Buffer.from('\0\0garbage')]) },
      'ArchiveCorrupt',
      'never',
    ],
    [
      'has garbage behind the gzip stream',
      { body: Buffer.concat([archive, Buffer.from('garbage')]) },
      'ArchiveCorrupt',
      'never',
    ],
    ['is a login page', { body: Buffer.from('\n<!DOCTYPE html><p>log in') }, 'NotAnArchive', 'never'],
    ['is some text', { body: Buffer.alloc(2000, 'text ') }, 'NotAnArchive', 'never'],
    ['is some text in gzip', { body: gzipSync(Buffer.alloc(2000, 'text ')) }, 'NotAnArchive', 'never'],
    ['is empty', { body: Buffer.alloc(0) }, 'NotAnArchive', 'never'],
    ['is gzip of nothing', { body: gzipSync('') }, 'NotAnArchive', 'never'],
    ['is hostile', { body: tarGz([{ name: '../x' }]) }, 'HostileArchive', 'never'],
  ];
  test.each(cases)('%s', async (_what, route, code, retry) => {
    await expect(answer(route)).rejects.toMatchObject({ code, retry: { type: retry } });
  });

  test.each([
    ['7', 7000],
    ['99999999', 3_600_000],
    [new Date(Date.now() - 60_000).toUTCString(), 0],
  ])('says with Retry-After %s when to come back', async (value, ms) => {
    const route = { status: 429, headers: { 'retry-after': value } };
    await expect(answer(route)).rejects.toMatchObject({ code: 'SourceBusy', retry: { type: 'after', ms } });
  });

  test('has another checksum', async () => {
    const checksum = `sha256:${'0'.repeat(64)}`;
    const message = `Expected ${checksum}, got ${digest}.`;
    await expect(run({ spec: { checksum } })).rejects.toMatchObject({ code: 'ChecksumMismatch', message });
  });

  test('does not answer', async () => {
    await expect(answer({ gate: server.gate() })).rejects.toMatchObject({ code: 'SourceUnreachable' });
  });

  test('stops in the middle', async () => {
    const route = { body: archive, gate: server.gate(), gateAfter: 500 };
    await expect(answer(route)).rejects.toMatchObject({ code: 'SourceStalled', retry: { type: 'backoff' } });
  });

  test('is not listening, or has no address', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    await new Promise((resolve) => taken.close(resolve));
    // No name has a label this long, so nobody is asked: a resolver that is silent would outlast the test.
    const nowhere = `http://${'n'.repeat(64)}.invalid/a`;
    for (const sourceURL of [`http://127.0.0.1:${port}/a`, nowhere]) {
      await expect(run({ spec: { sourceURL } })).rejects.toMatchObject({ code: 'SourceUnreachable' });
    }
  });

  test('never shows the query string of its URL', async () => {
    const error: unknown = await answer({ status: 404 }, { path: '/a.tar.gz?signature=geheim' }).catch(
      (e: unknown) => e,
    );
    expect(String(error)).toContain('/a.tar.gz?<redacted>');
    expect(String(error)).not.toContain('geheim');
  });
});

describe('redirects', () => {
  test('are followed', async () => {
    server.set('/r', { redirectTo: '/r2', status: 307 });
    server.set('/r2', { redirectTo: `${server.url}/a.tar.gz` });
    expect(await run({ path: '/r' })).toMatchObject({ digest });
  });

  test.each([
    ['a loop', '/r'],
    ['another scheme', 'file:///etc/passwd'],
    ['nowhere', 'http://'],
  ])('to %s are refused', async (_what, redirectTo) => {
    server.set('/r', { redirectTo });
    await expect(run({ path: '/r' })).rejects.toMatchObject({ code: 'RedirectRefused' });
  });

  test('without a location are refused', async () => {
    await expect(answer({ status: 302 })).rejects.toMatchObject({ code: 'RedirectRefused' });
  });
});

describe('credentials', () => {
  const spec = { secretRef: { name: 'credentials' } };
  const secret = (keys: Readonly<Record<string, string>>) => {
    mkdirSync(join(work, 'credentials'));
    for (const [key, value] of Object.entries(keys)) writeFileSync(join(work, 'credentials', key), value);
  };

  test('go to a host that the Secret lists', async () => {
    secret({ hosts: server.url, token: 'abc' });
    expect(await answer({ body: archive, authorization: 'Bearer abc' }, { spec })).toMatchObject({ digest });
  });

  test('go to no other host: nothing is asked of it at all', async () => {
    secret({ hosts: 'example.com', token: 'abc' });
    await expect(run({ spec })).rejects.toMatchObject({ code: 'CredentialsInvalid', retry: { type: 'never' } });
    expect(server.requests).toEqual([]);
  });

  test('do not follow a redirect to another host', async () => {
    await using other = await startArchiveServer({ host: '127.0.0.1', routes: { '/a': { body: archive } } });
    secret({ hosts: server.url, token: 'abc' });
    expect(await answer({ redirectTo: `${other.url}/a` }, { spec })).toMatchObject({ digest });
    expect(server.requests[0]?.headers.authorization).toBe('Bearer abc');
    expect(other.requests[0]?.headers).not.toHaveProperty('authorization');
  });
});

describe('https', () => {
  const tls = () => {
    const [key, cert] = [join(work, 'key'), join(work, 'cert')];
    const subject = ['-subj', '/CN=x', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
    execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  };

  test('with a certificate that nobody vouches for is refused, saying so', async () => {
    await using secure = await startArchiveServer({ host: '127.0.0.1', tls: tls() });
    await expect(run({ spec: { sourceURL: `${secure.url}/a` } })).rejects.toMatchObject({
      code: 'SourceTLSFailed',
      message: expect.stringContaining('self-signed'),
    });
  });

  test('against a plain server fails as TLS', async () => {
    const sourceURL = `${server.url.replace('http:', 'https:')}/a`;
    await expect(run({ spec: { sourceURL } })).rejects.toMatchObject({ code: 'SourceTLSFailed' });
  });

  test('works where the certificate is trusted, and is never left for plain http', async () => {
    const identity = tls();
    const trusted = getCACertificates('default');
    await using secure = await startArchiveServer({
      host: '127.0.0.1',
      tls: identity,
      routes: { '/a': { body: archive } },
    });
    secure.set('/down', { redirectTo: `${server.url}/a.tar.gz` });
    setDefaultCACertificates([...trusted, identity.cert]);
    try {
      expect(await run({ spec: { sourceURL: `${secure.url}/a` } })).toMatchObject({ digest });
      await expect(run({ spec: { sourceURL: `${secure.url}/down` } })).rejects.toMatchObject({
        code: 'RedirectRefused',
      });
      expect(server.requests).toEqual([]);
    } finally {
      setDefaultCACertificates(trusted);
    }
  });
});

test('a source that is refused in the middle keeps no connection', async () => {
  const body = Buffer.concat([Buffer.from('<html>'), Buffer.alloc(3_000_000)]);
  const route = { body, gate: server.gate(), gateAfter: 1_500_000 };
  await expect(answer(route, { timeouts: { ...timeouts, idleMs: 60_000 } })).rejects.toMatchObject({
    code: 'NotAnArchive',
  });
  const deadline = Date.now() + 5000;
  while ((await server.connections()) > 0 && Date.now() < deadline) await setImmediate();
  expect(await server.connections()).toBe(0);
});

describe('the volume', () => {
  test('must not be left by extractPath', async () => {
    await expect(run({ spec: { extractPath: '/../x' } })).rejects.toMatchObject({ code: 'InvalidSource' });
  });

  test('that cannot be flushed is not populated', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = work;
    writeFileSync(join(work, 'sync'), '#!/bin/sh\necho "sync: error syncing: Input/output error" >&2\nexit 1\n', {
      mode: 0o755,
    });
    try {
      await expect(run()).rejects.toMatchObject({
        code: 'FlushFailed',
        message: expect.stringContaining('Input/output'),
      });
    } finally {
      process.env['PATH'] = path;
    }
  });

  const asRoot = process.getuid?.() === 0 ? test : test.skip;
  /** As the pod runs: what root may do in spite of a file's mode shall not help. */
  const asNobody = async (act: () => Promise<void>) => {
    process.seteuid?.(65532);
    try {
      await act();
    } finally {
      process.seteuid?.(0);
    }
  };

  asRoot('is cleaned of directories that lost their write permission', async () => {
    execFileSync('sh', ['-c', 'mkdir -p old/ro && touch old/ro/f && chmod -R a-w old && chown -R 65532 .'], {
      cwd: volume,
    });
    execFileSync('chmod', ['755', work]);
    await asNobody(async () => expect(await run()).toMatchObject({ digest }));
    expect(readdirSync(volume)).not.toContain('old');
  });

  asRoot('that the populator may not write to is named as the cause, with its owner', async () => {
    execFileSync('chmod', ['755', work]);
    await asNobody(async () => {
      await expect(run()).rejects.toMatchObject({
        code: 'VolumeNotWritable',
        message: expect.stringContaining('fsGroup'),
      });
    });
  });

  asRoot('that is too small is named as the cause, also where the length was not known', async () => {
    server.set('/a.tar.gz', { body: archive, chunked: true });
    const small = join(work, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]);
    try {
      const spec = { sourceURL: `${server.url}/a.tar.gz`, extractPath: '/' };
      const target = { path: small, kind: 'directory' as const, spec };
      await expect(populateTarget(target, work, { timeouts, retryPolicy })).rejects.toMatchObject({
        code: 'VolumeFull',
        retry: { type: 'never' },
        message: expect.stringContaining('too small'),
      });
    } finally {
      execFileSync('umount', [small]);
    }
  });
});

test('an abort ends it at once', async () => {
  const gate = server.gate();
  const stop = new AbortController();
  const running = answer(
    { body: archive, gate, gateAfter: 500 },
    { signal: stop.signal, timeouts: { ...timeouts, idleMs: 60_000 } },
  );
  const failed = expect(running).rejects.toThrow();
  await gate.reached;
  stop.abort();
  await failed;
});

/** The last byte of the stream is at -1. */
function damaged(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length + at] = (copy.at(at) ?? 0) ^ 0xff;
  return copy;
}

import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type RawEntry, tar } from '../../test/support/archives.ts';
import { jobOf, layerOf, memorySource } from '../../test/support/extraction.ts';
import { silent } from '../../test/support/silent-logger.ts';
import type { Job } from './job.ts';
import { populate, type PopulateOptions } from './populate.ts';

/** Each run flushes a file system that others use as well. */
jest.setTimeout(60_000);

const big = randomBytes(2_000_000);
const sha = (algorithm: string, bytes: Buffer) => `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;

let work: string;
let volume: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'populate-'));
  volume = join(work, 'volume');
  mkdirSync(join(volume, 'lost+found'), { recursive: true });
  writeFileSync(join(work, 'canary'), 'alive');
});
afterEach(() => {
  expect(readFileSync(join(work, 'canary'), 'utf8')).toBe('alive');
  rmSync(work, { recursive: true });
});

/** The layers' bodies in order. */
function run(bodies: readonly Buffer[], job: Partial<Job> = {}, options: Partial<PopulateOptions> = {}) {
  const rest = bodies.values();
  return populate(jobOf(volume, job), {
    openSource: async () => memorySource(rest.next().value ?? Buffer.alloc(0), 70_000),
    logger: silent,
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...options,
  });
}

const at = (name: string) => join(volume, name);

test.each([
  ['in this thread', 'small', Buffer.from('small')],
  ['through threads', 'big', big],
])('a result tells what was done: %s', async (_how, name, data) => {
  const body = gzipSync(tar([{ name, data }]));
  expect(await run([body])).toEqual({
    digest: sha('sha256', body),
    bytes: body.length,
    files: 1,
    verification: 'archive',
    durationMs: expect.any(Number),
  });
  expect(readFileSync(at(name)).equals(data)).toBe(true);
});

test('a body whose length nobody knows', async () => {
  for (const data of [Buffer.from('small'), big]) {
    const source = { ...memorySource(tar([{ name: 'f', data }]), 70_000), length: undefined };
    expect(await run([], {}, { openSource: async () => source })).toMatchObject({ files: 1 });
    expect(readFileSync(at('f')).equals(data)).toBe(true);
  }
});

test('sha512, compared where it is given', async () => {
  const body = zstdCompressSync(tar([{ name: 'f', data: big }]));
  const layers = [layerOf({ checksum: sha('sha512', body) })];
  expect(await run([body], { layers })).toMatchObject({ digest: layers[0]?.checksum, verification: 'checksum' });
  await expect(run([tar([{ name: 'f' }])], { layers })).rejects.toMatchObject({
    code: 'ChecksumMismatch',
    retry: { type: 'never' },
  });
});

test('several layers: each is compared with its own checksum', async () => {
  const bodies = [tar([{ name: 'a' }, { name: 'b', data: 'old' }]), gzipSync(tar([{ name: 'b', data: 'new' }]))];
  const layers = bodies.map((body) => layerOf({ checksum: sha('sha256', body) }));
  const total = bodies.reduce((sum, { length }) => sum + length, 0);
  expect(await run(bodies, { layers })).toMatchObject({ files: 2, bytes: total, verification: 'checksum' });
  expect(readFileSync(at('b'), 'utf8')).toBe('new');
  await expect(run(bodies.toReversed(), { layers })).rejects.toMatchObject({ code: 'ChecksumMismatch' });
});

test.each([
  ['plain', (bytes: Buffer) => bytes, 'http://host/dir/data%20base.sql?x=y', 'data base.sql'],
  ['compressed', gzipSync, 'http://host/dump.sql.gz', 'dump.sql'],
])('one file, %s', async (_what, pack, url, name) => {
  for (const data of [Buffer.from('select 1'), big]) {
    await run([pack(data)], { layers: [layerOf({ format: 'file', urls: [url] })] });
    expect(readFileSync(at(name)).equals(data)).toBe(true);
  }
});

test('an abort ends it, whatever it waits for', async () => {
  const stop = new AbortController();
  const begun = memorySource(tar([{ name: 'f', data: big }]).subarray(0, 1_500_000));
  const source = {
    ...begun,
    length: undefined,
    async read(into: Uint8Array) {
      const length = await begun.read(into);
      if (length > 0) return length;
      stop.abort(new Error('told to stop'));
      return new Promise<number>(() => undefined);
    },
  };
  await expect(run([], {}, { openSource: async () => source, signal: stop.signal })).rejects.toThrow('told to stop');
});

describe('what the volume holds already', () => {
  const archive = (entries: RawEntry[]) => [tar(entries)];

  test('fail: refuses to begin, and touches nothing', async () => {
    writeFileSync(at('theirs'), 'x');
    await expect(run(archive([{ name: 'f' }]), { onExisting: 'fail' })).rejects.toMatchObject({
      code: 'VolumeNotEmpty',
      retry: { type: 'never' },
      message: expect.stringContaining('"theirs"'),
    });
    expect(readdirSync(volume).sort()).toEqual(['lost+found', 'theirs']);
  });

  test('fail: the rest of an earlier attempt is not content', async () => {
    const cut = tar([{ name: 'half', data: 'x'.repeat(5000) }]).subarray(0, 3000);
    await expect(run([cut], { onExisting: 'fail' })).rejects.toMatchObject({ code: 'SourceTruncated' });
    expect(existsSync(at('half'))).toBe(true);
    await run(archive([{ name: 'f' }]), { onExisting: 'fail' });
    expect(readdirSync(volume).sort()).toEqual(['f', 'lost+found']);
  });

  test('merge: keeps what has another name, replaces what has the same', async () => {
    mkdirSync(at('d/kept'), { recursive: true });
    mkdirSync(at('empty'));
    for (const name of ['kept', 'd/kept/f', 'd/replaced', 'a-file']) writeFileSync(at(name), 'old');
    const entries: RawEntry[] = [
      { name: 'd/', type: '5', mode: 0o711, mtime: 1_500_000_000 },
      { name: 'd/replaced', data: 'new' },
      { name: 'd/added', data: 'new' },
      { name: 'a-file/below', data: 'new' },
      { name: 'empty', data: 'a file now' },
    ];
    expect(await run(archive(entries), { onExisting: 'merge' })).toMatchObject({ files: 4 });
    const read = ['kept', 'd/kept/f', 'd/replaced', 'd/added', 'a-file/below', 'empty'].map((name) =>
      readFileSync(at(name), 'utf8'),
    );
    expect(read).toEqual(['old', 'old', 'new', 'new', 'new', 'a file now']);
    const { mode, mtimeMs } = statSync(at('d'));
    expect([mode & 0o7777, mtimeMs]).toEqual([0o711, 1_500_000_000_000]);
  });

  test('merge: a link that was there is replaced, never followed', async () => {
    mkdirSync(join(work, 'outside'));
    writeFileSync(join(work, 'outside/secret'), 'secret');
    symlinkSync(join(work, 'outside'), at('d'));
    symlinkSync(join(work, 'canary'), at('f'));
    symlinkSync(join(work, 'canary'), at('s'));
    const entries: RawEntry[] = [
      { name: 'd/', type: '5' },
      { name: 'd/f', data: 'new' },
      { name: 'f', data: 'new' },
      { name: 's', type: '2', linkName: 'f' },
    ];
    await run(archive(entries), { onExisting: 'merge' });
    expect(readdirSync(join(work, 'outside'))).toEqual(['secret']);
    expect(['d/f', 'f', 's'].map((name) => readFileSync(at(name), 'utf8'))).toEqual(['new', 'new', 'new']);
  });

  test('merge: no hard link through a link that was there', async () => {
    mkdirSync(join(work, 'outside'));
    writeFileSync(join(work, 'outside/secret'), 'secret');
    symlinkSync(join(work, 'outside'), at('d'));
    const entries: RawEntry[] = [{ name: 'h', type: '1', linkName: 'd/secret' }];
    await expect(run(archive(entries), { onExisting: 'merge' })).rejects.toMatchObject({ code: 'HostileArchive' });
    expect(existsSync(at('h'))).toBe(false);
  });

  test('merge: extractPath does not lead through a link, and a directory with content does not give way to a file', async () => {
    symlinkSync(work, at('link'));
    const target = { kind: 'directory', path: volume, extractPath: '/link/below' } as const;
    await expect(run(archive([{ name: 'f' }]), { onExisting: 'merge', target })).rejects.toMatchObject({
      code: 'InvalidTarget',
    });
    mkdirSync(at('full/of'), { recursive: true });
    await expect(run(archive([{ name: 'full' }]), { onExisting: 'merge' })).rejects.toMatchObject({
      code: 'VolumeNotEmpty',
      message: expect.stringContaining('"full"'),
    });
    expect(readdirSync(work).sort()).toEqual(['canary', 'volume']);
  });
});

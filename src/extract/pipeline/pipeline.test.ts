import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
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
import { paxHeader, type RawEntry, tar } from '../../../test/support/archives.ts';
import { extract, jobOf, layerOf, memorySource, pipelines } from '../../../test/support/extraction.ts';
import type { ByteSource } from '../source/source.ts';
import type { Pipeline } from './pipeline.ts';

/** Hundreds of files on a disk that others use as well. */
jest.setTimeout(60_000);

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pipeline-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const big = randomBytes(3_000_000);
const idle = new AbortController().signal;

async function withPipeline<T>(
  through: keyof typeof pipelines,
  act: (pipeline: Pipeline) => Promise<T>,
  { signal = idle, job = {} }: { readonly signal?: AbortSignal; readonly job?: Parameters<typeof jobOf>[1] } = {},
): Promise<T> {
  const layers = [layerOf({ format: 'tar' })];
  await using pipeline = pipelines[through](jobOf(root, { layers, ...job }), root, signal);
  return await act(pipeline);
}

describe.each(['inline', 'threads', 'three writers'] as const)('%s', (through) => {
  test('gives the tree that went in, whatever lies across the borders of slots', async () => {
    const tree = join(root, 'tree');
    const target = join(root, 'target');
    for (const directory of [target, join(tree, 'a/b/c'), join(tree, 'empty')])
      mkdirSync(directory, { recursive: true });
    for (let index = 0; index < 700; index++) {
      writeFileSync(join(tree, index % 2 === 0 ? 'a' : 'a/b/c', `file-${index}`), big.subarray(index, index * 9));
    }
    writeFileSync(join(tree, 'big'), big);
    writeFileSync(join(tree, 'ünï'), 'content');
    symlinkSync('a/b', join(tree, 'link'));
    execFileSync(
      'sh',
      ['-c', 'ln big hard && ln a/file-2 a/b/c/hard && chmod 640 big && chmod 2550 a/b && chmod 500 empty'],
      {
        cwd: tree,
      },
    );
    execFileSync(
      'sh',
      ['-c', 'truncate -s 5000000 holes && printf x >> holes && find . -exec touch -h -d 2001-02-03T04:05:06.5 {} +'],
      { cwd: tree },
    );
    const archive = execFileSync('tar', ['-c', '--sparse', '--format', 'posix', '-z', '-C', tree, '.'], {
      maxBuffer: 1 << 26,
    });
    expect((await extract(archive, target, { through, step: 100_000 })).files).toBe(706);
    expect(execFileSync('diff', ['-r', '--no-dereference', tree, target], { encoding: 'utf8' })).toBe('');
    const list = (of: string) =>
      execFileSync('find', ['.', '-mindepth', '1', '-printf', '%p %y %m %T@ %l %n\n'], { cwd: of, encoding: 'utf8' })
        .replace(/^(\.\/a\/b d) 2?550/m, '$1 550')
        .split('\n')
        .sort();
    expect(list(target)).toEqual(list(tree));
    expect(statSync(join(target, 'holes')).blocks * 512).toBeLessThan(1_000_000);
    execFileSync('chmod', ['-R', 'u+rwx', root]);
  });

  test('more commands than a batch holds for one piece of content', async () => {
    const deep = `${'d'.repeat(200)}/`.repeat(18);
    const entries: RawEntry[] = [];
    for (let index = 0; index < 12; index++)
      entries.push(paxHeader({ path: `${index}/${deep}f` }), { name: 'f', data: `${index}` });
    const archive = tar([...entries, { name: 'big', data: big }]);
    expect((await extract(archive, root, { through })).files).toBe(13);
    for (let index = 0; index < 12; index++)
      expect(readFileSync(join(root, `${index}/${deep}f`), 'utf8')).toBe(`${index}`);
    expect(readFileSync(join(root, 'big')).equals(big)).toBe(true);
  });

  test('several layers: of two entries with one name the later wins, links come at the end of all', async () => {
    const layers = [layerOf({ format: 'tar' }), layerOf()];
    const first = tar([
      { name: 'd/f', data: 'first' },
      { name: 'link', type: '2', linkName: 'd/f' },
    ]);
    const second = gzipSync(
      tar([
        { name: 'd/f', data: 'second' },
        { name: 'link', data: 'a file now' },
      ]),
    );
    const files = await withPipeline(
      through,
      async (pipeline) => {
        for (const body of [first, second]) await pipeline.feed(memorySource(body));
        return (await pipeline.finish()).files;
      },
      { job: { layers } },
    );
    expect(files).toBe(2);
    expect([readFileSync(join(root, 'd/f'), 'utf8'), readFileSync(join(root, 'link'), 'utf8')]).toEqual([
      'second',
      'a file now',
    ]);
  });

  test('the digest of each body as it came, whatever it was compressed with and however little of it came first', async () => {
    const plain = tar([{ name: 'big', data: big }]);
    const bodies = [plain, gzipSync(plain), zstdCompressSync(plain), tar([{ name: 'small', data: 'x' }])];
    const checksums = [undefined, `sha512:${'0'.repeat(128)}`, undefined, `sha512:${'0'.repeat(128)}`];
    const layers = checksums.map((checksum) => layerOf({ format: 'tar', checksum }));
    const digests = await withPipeline(
      through,
      async (pipeline) => {
        for (const [index, body] of bodies.entries())
          await pipeline.feed(memorySource(body, index === 2 ? 3 : 100_000));
        return (await pipeline.finish()).digests;
      },
      { job: { layers } },
    );
    const expected = bodies.map((body, index) => {
      const algorithm = checksums[index] === undefined ? 'sha256' : 'sha512';
      return `${algorithm}:${createHash(algorithm).update(body).digest('hex')}`;
    });
    expect(digests).toEqual(expected);
  });

  const failures: [what: string, archive: Buffer, error: object][] = [
    [
      'the decode stage',
      tar([{ name: '../x' }, { name: 'big', data: big }]),
      { code: 'HostileArchive', retry: { type: 'never' } },
    ],
    [
      'the codec',
      Buffer.concat([gzipSync(tar([{ name: 'big', data: big }])).subarray(0, 2_000_000), Buffer.alloc(5_000_000)]),
      { code: 'ArchiveCorrupt', retry: { type: 'never' } },
    ],
    [
      'the end of the archive',
      tar([{ name: 'big', data: big }]).subarray(0, 2_000_000),
      { code: 'SourceTruncated', retry: { type: 'backoff' }, attemptOver: true },
    ],
    [
      'the write stage',
      tar([{ name: 'f' }, { name: 'f/g', data: big }, { name: 'big', data: Buffer.alloc(60_000_000) }]),
      { code: 'HostileArchive', message: expect.stringContaining('"f"') },
    ],
    [
      'a limit',
      gzipSync(tar([{ name: 'letters', data: Buffer.alloc(60_000_000, 'a') }])),
      { code: 'LimitExceeded', message: expect.stringContaining('limits.ratio') },
    ],
  ];
  test.each(failures)('a failure of %s comes out as it was thrown', async (_what, archive, error) => {
    const limits = { bytes: undefined, files: 100, ratio: 50, bandwidth: undefined };
    await expect(extract(archive, root, { through, job: { limits } })).rejects.toMatchObject(error);
  });

  test('a failure of the source comes out as it was thrown', async () => {
    const failure = new Error('no more');
    const archive = memorySource(tar([{ name: 'big', data: big }]).subarray(0, 1_000_000));
    const source: ByteSource = {
      ...archive,
      async read(into) {
        const length = await archive.read(into);
        if (length === 0) throw failure;
        return length;
      },
    };
    await expect(withPipeline(through, (pipeline) => pipeline.feed(source))).rejects.toBe(failure);
  });

  test.each([
    ['bytes', { bytes: 2_999_999 }, [{ name: 'big', data: big }]],
    [
      'bytes, holes counted',
      { bytes: 5_000_000 },
      [
        paxHeader({ 'GNU.sparse.size': '9000000', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '0,1' }),
        { name: 's', data: 'x' },
      ],
    ],
    ['files', { files: 2 }, [{ name: 'a/', type: '5' }, { name: 'b' }, { name: 'c' }]],
  ] satisfies [string, object, RawEntry[]][])('the limit of %s', async (_what, limit, entries) => {
    const limits = { bytes: undefined, files: 100, ratio: 1000, bandwidth: undefined, ...limit };
    await expect(extract(tar(entries), root, { through, job: { limits } })).rejects.toMatchObject({
      code: 'LimitExceeded',
      retry: { type: 'never' },
    });
  });

  test('modes and owners that the job gives', async () => {
    const job = {
      modes: { files: 0o604, directories: 0o705 },
      ownership: { preserve: false, uid: process.getuid?.(), gid: process.getgid?.() },
    };
    await extract(
      tar([
        { name: 'implicit/f', mode: 0o777 },
        { name: 'd/', type: '5', mode: 0o700 },
      ]),
      root,
      { through, job },
    );
    const mode = (name: string) => (statSync(join(root, name)).mode & 0o7777).toString(8);
    expect(['implicit', 'implicit/f', 'd'].map(mode)).toEqual(['705', '604', '705']);
  });
});

describe('threads', () => {
  /** Never gives a byte. */
  const silent: ByteSource = {
    length: undefined,
    read: () => new Promise(() => undefined),
    async [Symbol.asyncDispose]() {},
  };

  test('an abort ends a wait for the source', async () => {
    const stop = new AbortController();
    const fed = withPipeline('threads', (pipeline) => pipeline.feed(silent), { signal: stop.signal });
    stop.abort(new Error('told to stop'));
    await expect(fed).rejects.toThrow('told to stop');
  });

  test('a stage that fails ends a wait for the source', async () => {
    const begun = memorySource(tar([{ name: '../x' }, { name: 'f', data: big }]).subarray(0, 600_000));
    const source: ByteSource = {
      ...begun,
      read: async (into) => (await begun.read(into)) || silent.read(into),
    };
    const fed = withPipeline('threads', (pipeline) => pipeline.feed(source));
    await expect(fed).rejects.toMatchObject({ code: 'HostileArchive' });
  });

  test('a thread that dies ends all of it', async () => {
    // What the write thread begins with is not there.
    const job = jobOf(root, { layers: [layerOf({ format: 'tar' })] });
    await using pipeline = pipelines.threads(job, join(root, 'missing'), idle);
    await expect(pipeline.feed(silent)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(readdirSync(root)).toEqual([]);
  });
});

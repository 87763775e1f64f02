import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import * as z from 'zod';

jest.setTimeout(120_000);

let work: string;
let out: string;
const build = () =>
  execFileSync(process.execPath, [join(import.meta.dirname, 'build.ts'), '--out', out], { encoding: 'utf8' });
const member = (name: string) => execFileSync('tar', ['-xOf', out, name], { maxBuffer: 1 << 30 });
const blob = (digest: string) => member(`blobs/${digest.replace(':', '/')}`);

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'image-'));
  out = join(work, 'image.tar');
  build();
});
afterAll(() => rmSync(work, { recursive: true }));

const descriptor = z.object({ digest: z.string(), size: z.number() });
const manifestSchema = z.object({ config: descriptor, layers: z.array(descriptor) });

function manifest() {
  const index = z.object({ manifests: z.tuple([descriptor]) }).parse(JSON.parse(member('index.json').toString()));
  return manifestSchema.parse(JSON.parse(blob(index.manifests[0].digest).toString()));
}

test('every blob is what its digest says', () => {
  const { config, layers } = manifest();
  expect(layers).toHaveLength(2);
  for (const { digest, size } of [config, ...layers]) {
    const bytes = blob(digest);
    expect([`sha256:${createHash('sha256').update(bytes).digest('hex')}`, bytes.length]).toEqual([digest, size]);
  }
});

test('the layers hold Node and the programs, and no package is there to be loaded by accident', () => {
  const [base = '', app = ''] = manifest().layers.map(({ digest }) =>
    execFileSync('tar', ['-t'], { input: blob(digest), encoding: 'utf8', maxBuffer: 1 << 24 }),
  );
  const lines = (list: string) => list.split('\n').map((line) => line.replace(/^\.\//, ''));
  expect(lines(base)).toEqual(
    expect.arrayContaining([
      'usr/local/bin/node',
      'usr/bin/sync',
      'usr/bin/fallocate',
      'usr/bin/flock',
      'usr/bin/cat',
      'usr/bin/xz',
      'usr/bin/bzip2',
      'usr/bin/restic',
      'usr/bin/rsync',
      'usr/bin/getfattr',
      'usr/bin/setfattr',
      'usr/bin/timeout',
      'usr/bin/ssh',
      'usr/bin/xargs',
      'etc/ssl/certs/ca-certificates.crt',
      'etc/passwd',
    ]),
  );
  expect(lines(app)).toEqual(
    expect.arrayContaining([
      'app/package.json',
      'app/dist/pod/main.js',
      'app/dist/sdk/index.js',
      'node_modules/volprime',
    ]),
  );
  expect(
    lines(app)
      .filter((name) => /^node_modules\/[^/]+\/?$/.test(name))
      .map((name) => name.replace(/\/$/, ''))
      .sort(),
  ).toEqual(['node_modules/volprime', 'node_modules/zod']);
});

test('runs as nobody in particular', () => {
  expect(JSON.parse(blob(manifest().config.digest).toString())).toMatchObject({
    config: { User: '65532:65532', Entrypoint: ['/usr/local/bin/node'], Cmd: ['/app/dist/controller-main.js'] },
  });
});

test('is left alone where nothing has changed, and comes out the same when made anew', () => {
  const before = createHash('sha256').update(readFileSync(out)).digest('hex');
  expect(build()).toContain('is up to date');
  rmSync(`${out}.inputs`);
  build();
  expect(createHash('sha256').update(readFileSync(out)).digest('hex')).toBe(before);
});

import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { build } from 'esbuild';

/** Packages that a bundle of this entry would hold. */
async function packagesOf(entry: string): Promise<Set<string>> {
  const { metafile } = await build({
    entryPoints: [join(import.meta.dirname, '..', entry)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    metafile: true,
    write: false,
    outdir: 'none',
    logLevel: 'silent',
  });
  const names = Object.keys(metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return new Set(names.filter((name) => name !== undefined));
}

test('the SDK costs nothing but the schemas', async () => {
  expect([...(await packagesOf('sdk/index.ts'))]).toEqual(['zod']);
});

test('the conformance kit costs no more', async () => {
  expect([...(await packagesOf('sdk/testing/index.ts'))]).toEqual(['zod']);
});

test('the populator pod never loads the API machinery', async () => {
  const packages = await packagesOf('pod/main.ts');
  expect(packages).toContain('undici');
  expect(packages).not.toContain('@kubernetes/client-node');
});

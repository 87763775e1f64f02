/** Bundles the programs and the public modules, each dependency only as far as it is used. */
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Paths below src, without extension; one that is not there (yet) is left out.
 * They share their code through common chunks, so that an error class is one class everywhere.
 */
const entries = [
  'controller-main',
  'pod/main',
  // Started as a thread of its own.
  'extract/pipeline/stage-thread',
  'cli/main',
  'sdk/index',
  'sdk/testing/index',
  'api/index',
  'runtime/index',
  'controller',
];

/** Bundled CommonJS packages load Node's own modules through it. */
const banner = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);`;

/**
 * Writes ES modules to `outDir`, at the paths that package.json's `exports` name.
 * Names are kept as they are: a stack trace in a log should say where it happened.
 */
export async function bundle(projectDir: string, outDir: string): Promise<void> {
  const src = join(projectDir, 'src');
  await build({
    entryPoints: entries.map((entry) => join(src, `${entry}.ts`)).filter((file) => existsSync(file)),
    outbase: src,
    outdir: outDir,
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node22',
    banner: { js: banner },
    legalComments: 'eof',
    logLevel: 'warning',
    absWorkingDir: projectDir,
  });
}

/**
 * Makes the image of controller, populator and command line as an OCI layout tar:
 *
 *     node image/build.ts --out build/volprime-image.tar [--tag localhost/volprime:dev]
 *
 * Does nothing where nothing that goes into the image has changed.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { POPULATOR_ID } from '../src/api/pod-settings.ts';
import { writeOciImage } from './oci-image.ts';
import { findRestic } from './restic.ts';
import { appDir, libraries, programs, stageApp, stageBase } from './rootfs.ts';

type Programs = ReturnType<typeof programs>;

interface BuildOptions {
  readonly out: string;
  readonly tag: string;
}

const projectDir = resolve(import.meta.dirname, '..');
const ownInputs = ['src/**/*.ts', 'image/*.ts', 'package.json', 'package-lock.json', 'LICENSE'];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { out: { type: 'string' }, tag: { type: 'string', default: 'localhost/volprime:dev' } },
  });
  if (values.out === undefined) throw new Error('--out FILE is missing');
  const options = { out: resolve(values.out), tag: values.tag };
  const base = programs(await findRestic((line) => console.log(line)));
  const inputs = hashInputs(options, base);
  const record = `${options.out}.inputs`;
  if (existsSync(options.out) && existsSync(record) && readFileSync(record, 'utf8') === inputs) {
    console.log(`${options.out} is up to date`);
    return;
  }
  rmSync(record, { force: true });
  const digest = await buildImage(options, base);
  writeFileSync(record, inputs);
  console.log(`${options.out}: ${options.tag}@${digest}, ${Math.round(statSync(options.out).size / 1e6)} MB`);
}

async function buildImage({ out, tag }: BuildOptions, base: Programs): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), 'volprime-image-'));
  // Two layers: a node that has the first one takes only the second when the sources change.
  const rootfs = [join(work, 'base'), join(work, 'app')] as const;
  try {
    stageBase(rootfs[0], base);
    await stageApp(projectDir, rootfs[1]);
    return await writeOciImage({
      out,
      tag,
      rootfs,
      entrypoint: ['/usr/local/bin/node'],
      cmd: [`${appDir}/dist/controller-main.js`],
      user: `${POPULATOR_ID}:${POPULATOR_ID}`,
      workingDir: appDir,
      env: { NODE_ENV: 'production' },
      labels: { 'org.opencontainers.image.title': 'volprime', 'org.opencontainers.image.licenses': 'Apache-2.0' },
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The sources by their content; Node, its libraries and the packages by what identifies a version of them. */
function hashInputs({ tag }: BuildOptions, base: Programs): string {
  const hash = createHash('sha256').update(tag);
  for (const file of globSync(ownInputs, { cwd: projectDir }).sort()) {
    if (file.endsWith('.test.ts')) continue;
    hash.update(`\0${file}\0`).update(readFileSync(join(projectDir, file)));
  }
  for (const file of [...Object.values(base), ...libraries(base)]) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`\0${file} ${size} ${mtimeMs}`);
  }
  return hash.digest('hex');
}

await main();

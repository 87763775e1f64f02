/** The controller's program as the image has it: bundled from the sources, or from a copy of them that a test has changed. */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../../image/bundle.ts';
import { withLock } from '../../cluster/lock.ts';
import { projectDir } from './cluster.ts';

export interface Program {
  readonly controller: string;
  /** What `import 'volprime'` means to a plugin that this program loads. */
  readonly sdk: string;
}

/** A copy is its test's own. */
export interface ChangedProgram extends Program, Disposable {}

/** An exact text that must occur once, and what stands there instead. */
export interface Mutation {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const shelf = join(projectDir, 'build/e2e');
const DAY_MS = 24 * 60 * 60_000;
const inputs = ['src/**/*.ts', 'image/bundle.ts', 'package-lock.json'];

/** The sources as they are: bundled once, for whoever comes with the same. */
export async function ownProgram(): Promise<Program> {
  const hash = createHash('sha256');
  for (const file of globSync(inputs, { cwd: projectDir }).sort())
    hash.update(`\0${file}\0`).update(readFileSync(join(projectDir, file)));
  const directory = join(shelf, `program-${hash.digest('hex').slice(0, 16)}`);
  mkdirSync(shelf, { recursive: true });
  await withLock(join(shelf, 'program.lock'), async () => {
    if (existsSync(directory)) return;
    removeOld();
    const unfinished = mkdtempSync(join(shelf, 'building-'));
    await bundleInto(unfinished, projectDir);
    renameSync(unfinished, directory);
  });
  return programIn(directory);
}

/** @throws where a mutation's text is not, or not only once, in its file: the source has moved and the mutation means nothing. */
export async function changedProgram(mutations: readonly Mutation[]): Promise<ChangedProgram> {
  const directory = mkdtempSync(join(tmpdir(), 'volprime-program-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    copySources(directory, mutations);
    await bundleInto(directory, directory);
  } catch (error) {
    remove();
    throw error;
  }
  return { ...programIn(directory), [Symbol.dispose]: remove };
}

/** Not at once: another run may still start those that it began with. */
function removeOld(): void {
  for (const name of globSync('program-*/', { cwd: shelf })) {
    const directory = join(shelf, name);
    if (Date.now() - statSync(directory).mtimeMs > DAY_MS) rmSync(directory, { recursive: true });
  }
}

async function bundleInto(directory: string, sources: string): Promise<void> {
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}\n');
  await bundle(sources, join(directory, 'dist'));
}

function programIn(directory: string): Program {
  return { controller: join(directory, 'dist/controller-main.js'), sdk: join(directory, 'dist/sdk/index.js') };
}

function copySources(directory: string, mutations: readonly Mutation[]): void {
  cpSync(join(projectDir, 'src'), join(directory, 'src'), { recursive: true });
  symlinkSync(join(projectDir, 'node_modules'), join(directory, 'node_modules'));
  for (const { file, from, to } of mutations) {
    const path = join(directory, 'src', file);
    const parts = readFileSync(path, 'utf8').split(from);
    if (parts.length !== 2) throw new Error(`src/${file} holds ${parts.length - 1} times, not once: ${from}`);
    writeFileSync(path, parts.join(to));
  }
}

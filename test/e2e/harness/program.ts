/** The controller's program as the image has it: bundled from the sources, or from a copy of them that a test has changed. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../../image/bundle.ts';
import { projectDir } from './cluster.ts';

export interface Program extends Disposable {
  readonly controller: string;
  /** What `import 'volprime'` means to a plugin that this program loads. */
  readonly sdk: string;
}

/** An exact text that must occur once, and what stands there instead. */
export interface Mutation {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** @throws where a mutation's text is not, or not only once, in its file: the source has moved and the mutation means nothing. */
export async function buildProgram(mutations: readonly Mutation[] = []): Promise<Program> {
  const directory = mkdtempSync(join(tmpdir(), 'volprime-program-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}\n');
    if (mutations.length > 0) copySources(directory, mutations);
    await bundle(mutations.length > 0 ? directory : projectDir, join(directory, 'dist'));
  } catch (error) {
    remove();
    throw error;
  }
  const file = (path: string) => join(directory, 'dist', path);
  return { controller: file('controller-main.js'), sdk: file('sdk/index.js'), [Symbol.dispose]: remove };
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

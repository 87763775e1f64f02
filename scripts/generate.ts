/** Writes crds/ from the schemas in src/api; with --check only says whether they are up to date. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { buildCrd, kinds } from '../src/api/crd.ts';

const directory = join(import.meta.dirname, '..', 'crds');
const check = process.argv.includes('--check');
let outdated = 0;

for (const kind of kinds) {
  const file = join(directory, `${kind.resource.group}_${kind.resource.plural}.yaml`);
  const text = `# Generated from src/api by "make generate"; do not edit.\n${stringify(buildCrd(kind), { lineWidth: 0, aliasDuplicateObjects: false })}`;
  if (!check) await writeFile(file, text);
  else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    outdated++;
    console.error(`${file} is not what the schemas in src/api say: run "make generate" and commit the result`);
  }
}
process.exitCode = outdated === 0 ? 0 : 1;

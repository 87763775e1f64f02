import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadPlugin, loadPlugins } from './load-plugin.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'load-plugin-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

const functions = `
  parameters: { parse: (parameters) => parameters },
  snapshot: async ({ key }) => ({ handle: key }),
  snapshotComplete: async () => ({ ready: true }),
  snapshotDelete: async () => true,
`;
const snapshots = (driver: string) =>
  `export const snapshotPlugin = { name: 'own', driver: '${driver}', ${functions} };`;
const populator = `export const plugin = {
  name: 'both', source: { group: 'example.com', version: 'v1', kind: 'Thing' }, schema: { parse: (spec) => spec },
  populate: async () => {}, populateComplete: async () => true,
};`;

test('a module may bring a snapshot plugin, a populator, or both', async () => {
  const paths = [
    await file('snapshots.mjs', snapshots('one.example.com')),
    await file('populator.mjs', populator),
    await file('both.mjs', `${snapshots('two.example.com')}\n${populator}`),
  ];
  const { plugins, snapshotPlugins } = await loadPlugins(paths);
  expect(plugins.map(({ name }) => name)).toEqual(['both', 'both']);
  expect(snapshotPlugins.map(({ driver }) => driver)).toEqual(['one.example.com', 'two.example.com']);
});

test('the sample of a snapshot plugin can be named by its path', async () => {
  const { snapshotPlugin, plugin } = await loadPlugin(
    join(import.meta.dirname, '../samples/plugins/directory-snapshots/plugin.ts'),
  );
  expect(snapshotPlugin?.driver).toBe('directory.snapshot.example.com');
  expect(plugin).toBeUndefined();
});

test.each([
  ['no-export.mjs', 'export const wrong = 1;', /must export a constant "plugin", .* or "snapshotPlugin", made with/],
  [
    'a-function.mjs',
    'export const snapshotPlugin = () => {};',
    /"snapshotPlugin" must be made with defineSnapshotPlugin, and is a function/,
  ],
  ['a-null.mjs', 'export const plugin = null;', /"plugin" must be made with definePlugin, and is null/],
  ['no-name.mjs', `export const snapshotPlugin = { driver: 'd', ${functions} };`, /name must be lower case/],
  [
    'no-driver.mjs',
    `export const snapshotPlugin = { name: 'own', ${functions} };`,
    /snapshot plugin "own": driver must be/,
  ],
  [
    'no-delete.mjs',
    `export const snapshotPlugin = { name: 'own', driver: 'd', ${functions} snapshotDelete: undefined };`,
    /snapshot plugin "own": snapshotDelete must be a function/,
  ],
  [
    'the-other-kind.mjs',
    populator.replace('const plugin', 'const snapshotPlugin'),
    /snapshot plugin "both": driver must be/,
  ],
  ['broken.mjs', 'throw new Error("no licence");', /no licence/],
])('%s is refused, by its path and in plain words', async (name, text, words) => {
  const path = await file(name, text);
  await expect(loadPlugin(path)).rejects.toMatchObject({
    code: 'InvalidPlugin',
    message: expect.stringMatching(words),
  });
  await expect(loadPlugin(path)).rejects.toThrow(`plugin file ${path}: `);
});

test('two files that serve one driver are both named', async () => {
  const [first, second] = [
    await file('first.mjs', snapshots('same.example.com')),
    await file('second.mjs', snapshots('same.example.com')),
  ];
  await expect(loadPlugins([first, second])).rejects.toMatchObject({
    code: 'InvalidPlugin',
    message: `plugin files ${first} and ${second}: both serve driver same.example.com`,
  });
});

test("the controller's own driver is taken", async () => {
  const path = await file('taken.mjs', snapshots('snapshot.volprime.dev'));
  await expect(loadPlugins([path])).rejects.toThrow(
    `plugin file ${path}: driver snapshot.volprime.dev is served by the controller itself`,
  );
});

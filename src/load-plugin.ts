/** Plugins that the stock controller is given by path: read, checked, and told apart by what they export. */
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { SNAPSHOT_DRIVER } from './api/snapshots.ts';
import { imagePlugin, imagePluginSchema } from './plugins/container-image/index.ts';
import { definePlugin, defineSnapshotPlugin, PermanentError, type Plugin, type SnapshotPlugin } from './sdk/index.ts';
import { wordsOf } from './words-of.ts';

/** What one file brings: at least one of the two. */
export interface LoadedPlugin {
  readonly path: string;
  readonly plugin: Plugin | undefined;
  readonly snapshotPlugin: SnapshotPlugin | undefined;
}

export interface LoadedPlugins {
  readonly plugins: readonly Plugin[];
  readonly snapshotPlugins: readonly SnapshotPlugin[];
}

/**
 * Loads all of them, and sees that each driver of snapshots is served once.
 *
 * @throws PermanentError `InvalidPlugin`, naming the file, or the two files that serve one driver.
 */
export async function loadPlugins(paths: readonly string[]): Promise<LoadedPlugins> {
  const loaded = await Promise.all(paths.map(loadPlugin));
  const objection = driverObjection(loaded);
  if (objection !== undefined) throw new PermanentError('InvalidPlugin', objection);
  return {
    plugins: loaded.flatMap(({ plugin }) => plugin ?? []),
    snapshotPlugins: loaded.flatMap(({ snapshotPlugin }) => snapshotPlugin ?? []),
  };
}

/**
 * Loads a plugin by path: a module (.js, .mjs, .ts) that exports `plugin`, `snapshotPlugin` or both, or a definition (.yaml, .yml, .json) of a
 * container image.
 *
 * @throws PermanentError `InvalidPlugin`, naming the file and what is wrong in it.
 */
export async function loadPlugin(path: string): Promise<LoadedPlugin> {
  try {
    return ['.yaml', '.yml', '.json'].includes(extname(path)) ? await fromDefinition(path) : await fromModule(path);
  } catch (cause) {
    throw new PermanentError('InvalidPlugin', `plugin file ${path}: ${wordsOf(cause)}`, { cause });
  }
}

async function fromDefinition(path: string): Promise<LoadedPlugin> {
  const plugin = imagePlugin(imagePluginSchema.parse(parse(await readFile(path, 'utf8'))));
  return { path, plugin, snapshotPlugin: undefined };
}

async function fromModule(path: string): Promise<LoadedPlugin> {
  const module: Exports = await import(pathToFileURL(resolve(path)).href);
  if (module.plugin === undefined && module.snapshotPlugin === undefined)
    throw new TypeError(
      'must export a constant "plugin", made with definePlugin, or "snapshotPlugin", made with defineSnapshotPlugin',
    );
  return {
    path,
    plugin: checked(module, 'plugin', definePlugin<unknown>),
    snapshotPlugin: checked(module, 'snapshotPlugin', defineSnapshotPlugin<unknown>),
  };
}

interface Exports {
  readonly plugin?: unknown;
  readonly snapshotPlugin?: unknown;
}

/** The definition is checked again: the module may have been built against another version, or be plain JavaScript. */
function checked<P>(module: Exports, name: keyof Exports, define: (plugin: P) => unknown): P | undefined {
  const value = module[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null)
    throw new TypeError(`its export "${name}" must be made with ${define.name}, and is ${kindOf(value)}`);
  define(value as P);
  return value as P;
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : `a ${typeof value}`;
}

/** Two plugins of one driver would write to the same contents. */
function driverObjection(loaded: readonly LoadedPlugin[]): string | undefined {
  const pathOf = new Map<string, string>();
  for (const { path, snapshotPlugin } of loaded) {
    if (snapshotPlugin === undefined) continue;
    const { driver } = snapshotPlugin;
    if (driver === SNAPSHOT_DRIVER)
      return `plugin file ${path}: driver ${driver} is served by the controller itself: give yours a name of its own`;
    const other = pathOf.get(driver);
    if (other !== undefined) return `plugin files ${other} and ${path}: both serve driver ${driver}`;
    pathOf.set(driver, path);
  }
  return undefined;
}

import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { imagePlugin, imagePluginSchema } from './plugins/container-image/index.ts';
import { definePlugin, PermanentError, type Plugin } from './sdk/index.ts';
import { wordsOf } from './words-of.ts';

/**
 * Loads a plugin by path: a module (.js, .mjs, .ts) that exports `plugin`, or a definition (.yaml, .yml, .json) of a container image.
 *
 * @throws PermanentError `InvalidPlugin`, naming the file and what is wrong in it.
 */
export async function loadPlugin(path: string): Promise<Plugin> {
  try {
    return ['.yaml', '.yml', '.json'].includes(extname(path)) ? await fromDefinition(path) : await fromModule(path);
  } catch (cause) {
    throw new PermanentError('InvalidPlugin', `plugin file ${path}: ${wordsOf(cause)}`, { cause });
  }
}

async function fromDefinition(path: string): Promise<Plugin> {
  return imagePlugin(imagePluginSchema.parse(parse(await readFile(path, 'utf8'))));
}

async function fromModule(path: string): Promise<Plugin> {
  const loaded: { readonly plugin?: unknown } = await import(pathToFileURL(resolve(path)).href);
  if (!isPlugin(loaded.plugin)) throw new TypeError('must export a constant "plugin", made with definePlugin');
  return loaded.plugin;
}

/** The definition is checked again: the module may have been built against another version. */
function isPlugin(value: unknown): value is Plugin {
  if (typeof value !== 'object' || value === null) return false;
  definePlugin(value as Plugin);
  return true;
}

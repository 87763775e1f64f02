import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { type PopulatorPodSettings, populatorPodSettingsSchema } from './api/pod-settings.ts';
import { VolprimeError } from './api/errors.ts';
import { wordsOf } from './words-of.ts';

/**
 * Reads the operator's settings of populator pods from a YAML or JSON file.
 *
 * @throws VolprimeError `InvalidPodSettings`, naming the file and the field.
 */
export async function loadPodSettings(path: string): Promise<PopulatorPodSettings> {
  try {
    return populatorPodSettingsSchema.parse(parse(await readFile(path, 'utf8')) ?? {});
  } catch (cause) {
    throw new VolprimeError('InvalidPodSettings', `populator pod settings ${path}: ${wordsOf(cause)}`, { cause });
  }
}

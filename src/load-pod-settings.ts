import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import * as z from 'zod';
import { type PopulatorPodSettings, populatorPodSettingsSchema } from './api/pod-settings.ts';
import { VolprimeError } from './api/errors.ts';

/**
 * Reads the operator's settings of populator pods from a YAML or JSON file.
 *
 * @throws VolprimeError `InvalidPodSettings`, naming the file and the field.
 */
export async function loadPodSettings(path: string): Promise<PopulatorPodSettings> {
  try {
    return populatorPodSettingsSchema.parse(parse(await readFile(path, 'utf8')) ?? {});
  } catch (cause) {
    const message =
      cause instanceof z.ZodError ? z.prettifyError(cause) : cause instanceof Error ? cause.message : String(cause);
    throw new VolprimeError('InvalidPodSettings', `populator pod settings ${path}: ${message}`, { cause });
  }
}

import { refusalsOf } from './definition.ts';
import { PermanentError } from './errors.ts';
import { wordsOfSchema } from './schema-words.ts';
import type { SnapshotParams, SnapshotPlugin } from './snapshot-plugin.ts';

/**
 * Checks a snapshot plugin's definition and ties its parameters to its functions: each call gets what the plugin's own schema made of the class's.
 *
 * @throws PermanentError `InvalidPlugin`, naming the field, where the definition itself is wrong.
 */
export function defineSnapshotPlugin<Parameters>(plugin: SnapshotPlugin<Parameters>): SnapshotPlugin {
  checkDefinition(plugin);
  const parsed = <P extends SnapshotParams<unknown>>(params: P) => ({
    ...params,
    parameters: parseParameters(plugin, params.parameters),
  });
  const { name, driver, parameters, handleOf, snapshotCleanup, callTimeoutMs, pollIntervalMs } = plugin;
  return {
    name,
    driver,
    parameters,
    ...(handleOf && { handleOf: (key) => handleOf(key) }),
    ...(callTimeoutMs !== undefined && { callTimeoutMs }),
    ...(pollIntervalMs !== undefined && { pollIntervalMs }),
    snapshot: async (params) => plugin.snapshot(parsed(params)),
    snapshotComplete: async (params) => plugin.snapshotComplete(parsed(params)),
    snapshotDelete: async (params) => plugin.snapshotDelete(parsed(params)),
    ...(snapshotCleanup && { snapshotCleanup: async (params) => snapshotCleanup(parsed(params)) }),
  };
}

function parseParameters<Parameters>(plugin: SnapshotPlugin<Parameters>, parameters: unknown): Parameters {
  try {
    return plugin.parameters.parse(parameters);
  } catch (cause) {
    throw new PermanentError(
      'InvalidSnapshotClass',
      `The parameters of the VolumeSnapshotClass are not valid: ${wordsOfSchema(cause, 'parameters')}`,
      { cause },
    );
  }
}

function checkDefinition<Parameters>(plugin: SnapshotPlugin<Parameters>): void {
  const refuse = refusalsOf('snapshot plugin', plugin.name);
  if (!/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(plugin.driver ?? ''))
    refuse('driver', 'must be the name of a driver: at most 63 lower case letters, digits, "-" and "."');
  if (typeof plugin.parameters?.parse !== 'function')
    refuse('parameters', 'must have a parse function (a zod schema has one)');
  for (const field of ['snapshot', 'snapshotComplete', 'snapshotDelete'] as const) {
    if (typeof plugin[field] !== 'function') refuse(field, 'must be a function');
  }
  for (const field of ['snapshotCleanup', 'handleOf'] as const) {
    if (plugin[field] !== undefined && typeof plugin[field] !== 'function')
      refuse(field, 'must be a function, or absent');
  }
  for (const field of ['callTimeoutMs', 'pollIntervalMs'] as const) {
    const value = plugin[field];
    if (value !== undefined && !(Number.isFinite(value) && value >= 100))
      refuse(field, 'must be at least 100 milliseconds');
  }
}

import { refusalsOf } from './definition.ts';
import { PermanentError } from './errors.ts';
import { wordsOfSchema } from './schema-words.ts';
import type { BaseParams, Plugin, PodlessPlugin, PopulateParams, PrepareParams } from './plugin.ts';

/**
 * Checks a plugin's definition and ties its schema to its functions: each call gets a spec that the schema has parsed.
 *
 * @throws PermanentError `InvalidPlugin`, naming the field, where the definition itself is wrong.
 */
export function definePlugin<Spec>(plugin: Plugin<Spec>): Plugin {
  checkDefinition(plugin);
  const parsed = <P extends BaseParams<unknown>>(params: P) => ({
    ...params,
    source: { ...params.source, spec: parseSpec(plugin, params.source.spec) },
  });
  const { dataNamespace, dataObject, preflight, prepare, renew, mutatePrime, populateCleanup } = plugin;
  const base = {
    name: plugin.name,
    source: plugin.source,
    schema: plugin.schema,
    ...(plugin.callTimeoutMs !== undefined && { callTimeoutMs: plugin.callTimeoutMs }),
    ...(plugin.pollIntervalMs !== undefined && { pollIntervalMs: plugin.pollIntervalMs }),
    ...(plugin.maxAttempts !== undefined && { maxAttempts: plugin.maxAttempts }),
    ...(dataNamespace && {
      dataNamespace: (source) => dataNamespace({ ...source, spec: parseSpec(plugin, source.spec) }),
    }),
    ...(dataObject && {
      dataObject: ({ source, prepared }) =>
        dataObject({ source: { ...source, spec: parseSpec(plugin, source.spec) }, prepared }),
    }),
    ...(preflight && { preflight: (params) => preflight(parsed(params)) }),
    ...(prepare && { prepare: (params) => prepare(parsed(params)) }),
    ...(renew && { renew: (params) => renew(parsed(params)) }),
    ...(mutatePrime && { mutatePrime: (prime, params) => mutatePrime(prime, parsed(params)) }),
    ...(populateCleanup && {
      populateCleanup: (params) => {
        const { spec } = params.source;
        const source = { ...params.source, spec: spec === undefined ? undefined : parseSpec(plugin, spec) };
        return populateCleanup({ ...params, source });
      },
    }),
  } satisfies Partial<Plugin>;
  const calls = (given: PodlessPlugin<Spec>) => ({
    populate: (params: PopulateParams<unknown>) => given.populate(parsed(params)),
    populateComplete: (params: PopulateParams<unknown>) => given.populateComplete(parsed(params)),
  });
  if (!('pod' in plugin)) return { ...base, ...calls(plugin) };
  const { podSettings, reports, securityProfile } = plugin;
  const pods = {
    ...(podSettings && { podSettings }),
    ...(reports !== undefined && { reports }),
    ...(securityProfile && { securityProfile: (params: PrepareParams<unknown>) => securityProfile(parsed(params)) }),
    pod: (params: PopulateParams<unknown>) => plugin.pod(parsed(params)),
  };
  if (!('choosesPath' in plugin)) return { ...base, ...pods };
  return { ...base, ...pods, ...calls(plugin), choosesPath: true, prepare: (params) => plugin.prepare(parsed(params)) };
}

/** The source's spec as the plugin's schema reads it, or a PermanentError that carries the schema's words. */
function parseSpec<Spec>(plugin: Plugin<Spec>, spec: unknown): Spec {
  try {
    return plugin.schema.parse(spec);
  } catch (cause) {
    throw new PermanentError(
      'InvalidSource',
      `The spec of the ${plugin.source.kind} is not valid: ${wordsOfSchema(cause, 'spec')}`,
      { cause },
    );
  }
}

function checkDefinition<Spec>(plugin: Plugin<Spec>): void {
  const refuse = refusalsOf('plugin', plugin.name);
  for (const field of ['group', 'version', 'kind'] as const) {
    if (!plugin.source?.[field]) refuse(`source.${field}`, 'is missing');
  }
  if (typeof plugin.schema?.parse !== 'function') refuse('schema', 'must have a parse function (a zod schema has one)');
  const pod = 'pod' in plugin && typeof plugin.pod === 'function';
  const calls =
    'populate' in plugin && typeof plugin.populate === 'function' && typeof plugin.populateComplete === 'function';
  const chooses = 'choosesPath' in plugin;
  if (chooses && !(pod && calls && typeof plugin.prepare === 'function'))
    refuse('choosesPath', 'needs pod, populate, populateComplete, and prepare, which chooses');
  if (!chooses && pod === calls)
    refuse('pod', 'or both populate and populateComplete are needed; both only with choosesPath');
}

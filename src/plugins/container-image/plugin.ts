import * as z from 'zod';
import { definePlugin, PermanentError, type Plugin, type PodTemplate, type PopulateParams } from '../../sdk/index.ts';
import type { ImagePluginDefinition } from './definition.ts';

const specSchema = z.record(z.string(), z.unknown());
type Spec = z.infer<typeof specSchema>;

/** A pod plugin made from a definition; the source's CRD, not the plugin, checks the spec. */
export function imagePlugin(definition: ImagePluginDefinition): Plugin {
  const { image: _image, command: _command, args: _args, env: _env, mountPath: _path, ...podSettings } = definition.pod;
  return definePlugin<Spec>({
    name: definition.name,
    source: withoutUndefined(definition.source),
    schema: specSchema,
    ...(definition.maxAttempts !== undefined && { maxAttempts: definition.maxAttempts }),
    ...(definition.reports !== undefined && { reports: definition.reports }),
    podSettings: withoutUndefined(podSettings),
    pod: (params) => podTemplate(definition, params),
  });
}

function podTemplate({ pod }: ImagePluginDefinition, params: PopulateParams<Spec>): PodTemplate {
  const fill = (template: string) => fillIn(template, params);
  const env = pod.env && Object.fromEntries(Object.entries(pod.env).map(([name, value]) => [name, fill(value)]));
  const { image, command, mountPath } = pod;
  return withoutUndefined({
    image,
    command,
    mountPath,
    args: pod.args?.map(fill),
    env,
  });
}

/** Replaces each `$(path)`. A value is always one whole argument or a part of one: it can never add an argument. */
function fillIn(template: string, params: PopulateParams<Spec>): string {
  return template.replaceAll(/\$\(([^()]+)\)/g, (_match, path: string) => {
    const value = valueAt(path, params);
    if (value === undefined)
      throw new PermanentError(
        'InvalidSource',
        `the plugin needs $(${path}), which ${params.source.name} does not have`,
      );
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

function valueAt(path: string, { source, claim, attempt }: PopulateParams<Spec>): unknown {
  const known: Readonly<Record<string, unknown>> = {
    'source.name': source.name,
    'source.namespace': source.namespace,
    'source.uid': source.uid,
    'claim.name': claim.name,
    'claim.namespace': claim.namespace,
    'claim.uid': claim.uid,
    'attempt.id': attempt.id,
    'attempt.number': attempt.number,
  };
  if (!path.startsWith('spec.')) return known[path];
  return path
    .slice('spec.'.length)
    .split('.')
    .reduce<unknown>(
      (value, field) => (isRecord(value) && Object.hasOwn(value, field) ? value[field] : undefined),
      source.spec,
    );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** An absent member and one that is undefined are two things to the types; here they mean the same. */
function withoutUndefined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}

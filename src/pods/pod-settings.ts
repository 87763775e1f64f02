/** Which settings a populator pod gets: the layers put together, and the Pod Security level that the outcome needs. Pure. */
import {
  type PodSettings,
  type PopulatorPodSettings,
  pluginPodSettingsSchema,
  type SecurityProfile,
} from '../api/pod-settings.ts';
import type { Plugin, PodTemplate } from '../sdk/index.ts';

/** Pod Security levels, the most severe first. */
export const podSecurityLevels = ['restricted', 'baseline', 'privileged'] as const;
export type PodSecurityLevel = (typeof podSecurityLevels)[number];

/** Volume sources that level "restricted" allows. */
const RESTRICTED_VOLUMES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

/** What the plugin says of one claim's pod that settings may say, too. */
export type OwnSettings = Pick<PodTemplate, 'resources' | 'env'> & Pick<PodSettings, 'securityProfile'>;

/** The layers of a pod's settings put together: plugin, what it says for this claim, operator for all, operator for this plugin; the later wins. */
export function settingsOf(
  plugin: Plugin,
  operator: PopulatorPodSettings = {},
  { resources, env, securityProfile }: OwnSettings = {},
): PodSettings {
  const own = 'pod' in plugin ? (plugin.podSettings ?? {}) : {};
  const claims = {
    ...(resources && { resources }),
    ...(env && { env }),
    ...(securityProfile && { securityProfile }),
  };
  return layeredSettings(plugin.name, operator, own, claims);
}

/** A day, which is also as long as one download may take. */
export const DEFAULT_DEADLINE_SECONDS = 86_400;

/** The same for whoever makes pods and is no populator: its name in the operator's settings, and its own layers. */
export function layeredSettings(
  name: string,
  operator: PopulatorPodSettings,
  ...own: readonly PodSettings[]
): PodSettings {
  const said = mergePodSettings(...own, operator.all ?? {}, operator.plugins?.[name] ?? {});
  return {
    securityProfile: 'restricted',
    activeDeadlineSeconds: DEFAULT_DEADLINE_SECONDS,
    ...said,
    resources: withDefaults(said.resources ?? {}),
  };
}

/**
 * The later layer wins: single values replace, maps are merged by key, quantities by name, named lists (pull secrets, volumes) by name;
 * mounts by path; tolerations and allowed addresses add up; an affinity is one value.
 */
export function mergePodSettings(...layers: readonly PodSettings[]): PodSettings {
  return layers.reduce(mergeTwo, {});
}

function mergeTwo(below: PodSettings, above: PodSettings): PodSettings {
  const merged = { ...below, ...above };
  return {
    ...merged,
    ...(merged.resources && { resources: mergeResources(below.resources, above.resources) }),
    ...(merged.nodeSelector && { nodeSelector: { ...below.nodeSelector, ...above.nodeSelector } }),
    ...(merged.labels && { labels: { ...below.labels, ...above.labels } }),
    ...(merged.annotations && { annotations: { ...below.annotations, ...above.annotations } }),
    ...(merged.env && { env: { ...below.env, ...above.env } }),
    ...(merged.proxy && { proxy: { ...below.proxy, ...above.proxy } }),
    ...(merged.tolerations && { tolerations: [...(below.tolerations ?? []), ...(above.tolerations ?? [])] }),
    ...(merged.allowedAddresses && {
      allowedAddresses: [...(below.allowedAddresses ?? []), ...(above.allowedAddresses ?? [])],
    }),
    ...(merged.imagePullSecrets && {
      imagePullSecrets: mergeBy('name', below.imagePullSecrets, above.imagePullSecrets),
    }),
    ...(merged.volumes && { volumes: mergeBy('name', below.volumes, above.volumes) }),
    ...(merged.volumeMounts && { volumeMounts: mergeBy('mountPath', below.volumeMounts, above.volumeMounts) }),
  };
}

type Resources = NonNullable<PodSettings['resources']>;
type Quantities = Readonly<Record<string, string | null>>;

function mergeResources(a: Resources = {}, b: Resources = {}): Resources {
  return { requests: { ...a.requests, ...b.requests }, limits: { ...a.limits, ...b.limits } };
}

/** A namespace whose quota asks every pod for limits admits the pod. */
const DEFAULT_RESOURCES = { requests: { cpu: '50m', memory: '96Mi' }, limits: { cpu: '2', memory: '512Mi' } };

/** A default counts only where nobody names that resource: a request alone could be above the limit's default, and the other way round. */
function withDefaults({ requests = {}, limits = {} }: Resources): Resources {
  const fill = (said: Quantities, other: Quantities, defaults: Quantities) => ({
    ...Object.fromEntries(Object.entries(defaults).filter(([name]) => other[name] == null)),
    ...said,
  });
  return {
    requests: fill(requests, limits, DEFAULT_RESOURCES.requests),
    limits: fill(limits, requests, DEFAULT_RESOURCES.limits),
  };
}

function mergeBy<K extends string, T extends Readonly<Record<K, unknown>>>(
  key: K,
  a: readonly T[] = [],
  b: readonly T[] = [],
): T[] {
  const replaced = new Set(b.map((item) => item[key]));
  return [...a.filter((item) => !replaced.has(item[key])), ...b];
}

/** The most severe level that admits a pod with these settings. */
export function neededLevel({ securityProfile, volumes = [] }: PodSettings): PodSecurityLevel {
  const sources = volumes.flatMap((volume) => Object.keys(volume).filter((key) => key !== 'name'));
  if (sources.includes('hostPath')) return 'privileged';
  const restricted = securityProfile !== 'privileged-data' && sources.every((source) => RESTRICTED_VOLUMES.has(source));
  return restricted ? 'restricted' : 'baseline';
}

/** Whether a namespace that enforces the one level admits a pod that needs the other. A label that is no level counts as "restricted", as for the API server. */
export function admits(enforced: string | undefined, needed: PodSecurityLevel): boolean {
  if (enforced === undefined) return true;
  const rank = podSecurityLevels.findIndex((level) => level === enforced);
  return Math.max(rank, 0) >= podSecurityLevels.indexOf(needed);
}

/** Why the pods of a claim do not get the profile that the plugin asks for: the operator has named another one. */
export function profileObjection(
  plugin: string,
  needed: SecurityProfile | undefined,
  { securityProfile }: PodSettings,
): string | undefined {
  if (needed !== 'privileged-data' || securityProfile === needed) return undefined;
  return (
    `the operator's settings give populator pods of ${plugin} the securityProfile ${securityProfile}, and this claim needs ${needed}; ` +
    'change those settings, the source or the claim'
  );
}

/**
 * What is wrong with the operator's settings in the light of the plugins at hand (of snapshot plugins only the names count); empty where
 * nothing is.
 * The shape was checked when they were parsed.
 */
export function settingsProblems(
  plugins: readonly Plugin[],
  operator: PopulatorPodSettings,
  snapshotPlugins: readonly string[] = [],
): string[] {
  const known = new Set([...plugins.map(({ name }) => name), ...snapshotPlugins]);
  const strangers = Object.keys(operator.plugins ?? {}).filter((name) => !known.has(name));
  return [
    ...strangers.map((name) => `plugins.${name}: there is no plugin of that name; there are ${[...known].join(', ')}`),
    ...plugins.flatMap(definitionProblems),
    ...plugins.flatMap((plugin) =>
      mountProblems(settingsOf(plugin, operator)).map((it) => `plugin ${plugin.name}: ${it}`),
    ),
  ];
}

/** Not checked by the SDK: the schema would be loaded into every populator pod. */
function definitionProblems(plugin: Plugin): string[] {
  if (!('pod' in plugin) || plugin.podSettings === undefined) return [];
  const issues = pluginPodSettingsSchema.safeParse(plugin.podSettings).error?.issues ?? [];
  return issues.map(({ path, message }) => `plugin ${plugin.name}: ${['podSettings', ...path].join('.')}: ${message}`);
}

function mountProblems({ volumes = [], volumeMounts = [] }: PodSettings): string[] {
  const names = new Set(volumes.map(({ name }) => name));
  return volumeMounts
    .filter(({ name }) => !names.has(name))
    .map(({ name, mountPath }) => `volumeMounts: ${mountPath} mounts ${name}, which is not among the volumes`);
}

import type { Claim, KubeObject } from '../api/objects.ts';
import type { Resource } from '../api/resources.ts';
import type { PopulatorPodSettings } from '../api/pod-settings.ts';
import type { Plugin } from '../sdk/index.ts';
import type { PluginFacts } from './observation.ts';
import { neededLevel, settingsOf } from './pod-settings.ts';

const DEFAULT_POLL_MS = 5_000;
const DEFAULT_MAX_ATTEMPTS = 10;
export const DEFAULT_CALL_TIMEOUT_MS = 30_000;

/** A source object as the API server gives it; its spec is the plugin's business. */
export interface SourceObject extends KubeObject {
  readonly spec?: unknown;
}

export interface RegisteredPlugin {
  readonly plugin: Plugin;
  readonly facts: PluginFacts;
  readonly resource: Resource<SourceObject>;
}

/** The plugins of this controller, found by the group and kind of a claim's dataSourceRef. */
export class PluginRegistry {
  readonly #byKind = new Map<string, RegisteredPlugin>();

  /** @throws RangeError where two plugins claim the same kind, or VolumeSnapshot, whose claims belong to CSI. */
  constructor(plugins: readonly Plugin[], podSettings: PopulatorPodSettings = {}) {
    for (const plugin of plugins) {
      const { group, kind } = plugin.source;
      const key = kindKey(group, kind);
      const taken = this.#byKind.get(key);
      if (taken !== undefined)
        throw new RangeError(`plugins ${taken.plugin.name} and ${plugin.name} both populate from ${kind}.${group}`);
      if (group === 'snapshot.storage.k8s.io' || group === '')
        throw new RangeError(`plugin ${plugin.name}: ${kind} of group "${group}" is served by CSI drivers`);
      this.#byKind.set(key, { plugin, facts: factsOf(plugin, podSettings), resource: resourceOf(plugin) });
    }
  }

  /** Undefined for a claim that is nobody's business here: no data source, or one of a kind without a plugin. */
  of(claim: Claim): RegisteredPlugin | undefined {
    const ref = claim.spec.dataSourceRef;
    return ref === undefined ? undefined : this.#byKind.get(kindKey(ref.apiGroup ?? '', ref.kind));
  }

  ofKind(group: string, kind: string): RegisteredPlugin | undefined {
    return this.#byKind.get(kindKey(group, kind));
  }

  all(): readonly RegisteredPlugin[] {
    return [...this.#byKind.values()];
  }
}

function kindKey(group: string, kind: string): string {
  return `${kind}.${group}`;
}

function factsOf(plugin: Plugin, podSettings: PopulatorPodSettings): PluginFacts {
  const ofPods = 'pod' in plugin && neededLevel(settingsOf(plugin, podSettings)) !== 'restricted';
  return {
    name: plugin.name,
    path: 'pod' in plugin ? 'pod' : 'podless',
    hasPrepare: plugin.preflight !== undefined || plugin.prepare !== undefined || ofPods,
    hasCleanup: plugin.populateCleanup !== undefined,
    maxAttempts: plugin.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    pollIntervalMs: plugin.pollIntervalMs ?? DEFAULT_POLL_MS,
  };
}

function resourceOf({ source }: Plugin): Resource<SourceObject> {
  const { group, version, kind } = source;
  return { group, version, kind, plural: source.plural ?? `${kind.toLowerCase()}s`, namespaced: true };
}

import { VolprimeError } from '../api/errors.ts';
import type { Claim, KubeObject, StorageClass } from '../api/objects.ts';
import type { Resource } from '../api/resources.ts';
import type { PopulatorPodSettings } from '../api/pod-settings.ts';
import type { Population } from '../api/population.ts';
import { SNAPSHOT_GROUP, volumeSnapshots } from '../api/snapshots.ts';
import type { Plugin } from '../sdk/index.ts';
import type { PluginFacts } from './observation.ts';
import { isPassedThrough, passThrough } from './pass-through.ts';
import { neededLevel, settingsOf } from '../pods/index.ts';
import { isWrapper } from './wrapper.ts';

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

/** What else decides whether a claim is ours. */
export interface ClaimStanding {
  /** The claim's own class. */
  readonly storageClass: StorageClass | undefined;
  /** Our finalizer on it, or a record that holds ours. */
  readonly begun: boolean;
}

export interface PluginRegistryOptions {
  /** The operator's settings of populator pods. */
  readonly podSettings?: PopulatorPodSettings;
  /** Serve claims of wrapper classes whose data, if any, comes from the provisioner itself (default: yes). */
  readonly passThrough?: boolean;
  /** Whether the VolumeSnapshot that the claim names is of our own driver, whose data no CSI driver can bring (default: none is). */
  readonly isOwnSnapshot?: (claim: Claim) => boolean;
}

/** The plugins of this controller, found by the group and kind of a claim's dataSourceRef. */
export class PluginRegistry {
  readonly #byKind = new Map<string, RegisteredPlugin>();
  readonly #passThrough: RegisteredPlugin | undefined;
  readonly #isOwnSnapshot: (claim: Claim) => boolean;

  /** @throws VolprimeError `InvalidPlugin` where two plugins claim the same kind, or one that only provisioners know. */
  constructor(
    plugins: readonly Plugin[],
    { podSettings = {}, passThrough: passes = true, isOwnSnapshot = () => false }: PluginRegistryOptions = {},
  ) {
    this.#isOwnSnapshot = isOwnSnapshot;
    this.#passThrough = passes ? registered(passThrough, { podSettings, byProvisioner: true }) : undefined;
    for (const plugin of plugins) {
      const { group, kind } = plugin.source;
      const key = kindKey(group, kind);
      const taken = this.#byKind.get(key);
      if (taken !== undefined)
        throw invalid(`plugins ${taken.plugin.name} and ${plugin.name} both populate from ${kind}.${group}`);
      if (group === '' || (group === SNAPSHOT_GROUP && kind !== volumeSnapshots.kind))
        throw invalid(`plugin ${plugin.name}: ${kind} of group "${group}" is served by CSI drivers`);
      this.#byKind.set(key, registered(plugin, { podSettings, byProvisioner: false }));
    }
  }

  /**
   * Undefined for a claim that is nobody's business here. What the provisioner itself does (no data source, another claim, a snapshot) is our
   * business only in a wrapper class, where we have begun, and for a snapshot of our own driver: the API stores dataSource and dataSourceRef
   * alike, so nothing else tells a restore of ours from CSI's.
   */
  of(claim: Claim, { storageClass, begun }: ClaimStanding): RegisteredPlugin | undefined {
    const ref = claim.spec.dataSourceRef;
    // Null, not absent, is what the API server stores for the core group.
    const [apiGroup, kind] = [ref?.apiGroup ?? '', ref?.kind ?? ''];
    const found = this.ofKind(apiGroup, kind);
    const concerns = !isPassedThrough(apiGroup, kind) || begun || isWrapper(storageClass) || this.#isOwnSnapshot(claim);
    return concerns ? found : undefined;
  }

  /** Both empty for a claim without a data source. */
  ofKind(group: string, kind: string): RegisteredPlugin | undefined {
    const found = this.#byKind.get(kindKey(group, kind));
    return found ?? (isPassedThrough(group, kind) ? this.#passThrough : undefined);
  }

  /** Those with a source of their own. */
  all(): readonly RegisteredPlugin[] {
    return [...this.#byKind.values()];
  }
}

function invalid(message: string): VolprimeError {
  return new VolprimeError('InvalidPlugin', message);
}

function kindKey(group: string, kind: string): string {
  return `${kind}.${group}`;
}

function registered(plugin: Plugin, { podSettings, byProvisioner }: FactsGiven): RegisteredPlugin {
  return { plugin, facts: { ...factsOf(plugin, podSettings), byProvisioner }, resource: resourceOf(plugin) };
}

interface FactsGiven {
  readonly podSettings: PopulatorPodSettings;
  readonly byProvisioner: boolean;
}

/** The plugin as this claim has it. */
export function factsFor({ facts }: RegisteredPlugin, population: Population | undefined): PluginFacts {
  const path = population?.status?.prepared?.path;
  return facts.choosesPath && path !== undefined ? { ...facts, path } : facts;
}

function factsOf(plugin: Plugin, podSettings: PopulatorPodSettings): Omit<PluginFacts, 'byProvisioner'> {
  const chooses = 'choosesPath' in plugin;
  const ofPods =
    'pod' in plugin &&
    (plugin.securityProfile !== undefined || neededLevel(settingsOf(plugin, podSettings)) !== 'restricted');
  return {
    name: plugin.name,
    path: 'pod' in plugin && !chooses ? 'pod' : 'podless',
    choosesPath: chooses,
    hasPrepare: plugin.preflight !== undefined || plugin.prepare !== undefined || ofPods,
    hasRenew: plugin.renew !== undefined,
    hasCleanup: plugin.populateCleanup !== undefined,
    reports: 'pod' in plugin && plugin.reports === true,
    maxAttempts: plugin.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    pollIntervalMs: plugin.pollIntervalMs ?? DEFAULT_POLL_MS,
  };
}

function resourceOf({ source }: Plugin): Resource<SourceObject> {
  const { group, version, kind } = source;
  return { group, version, kind, plural: source.plural ?? `${kind.toLowerCase()}s`, namespaced: true };
}

/** What observing, acting and reporting are given. Ports only: nothing here is constructed by this room. */
import type { ReferenceGrant } from '../api/reference-grant.ts';
import type { Claim, Pod, StorageClass, Volume } from '../api/objects.ts';
import type { PopulatorPodSettings } from '../api/pod-settings.ts';
import type { Population } from '../api/population.ts';
import type { Store } from '../informer/index.ts';
import type { KubeClient } from '../kube/index.ts';
import type { EventRecorder } from '../runtime/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { Memory } from './memory.ts';
import type { Pace } from './pace.ts';
import type { PopulateMetrics } from './metrics.ts';
import type { PluginRegistry, SourceObject } from './plugin-registry.ts';

/** Index of volumes: UID of the claim that `spec.claimRef` names. */
export const BY_CLAIM_REF_UID = 'claimRefUid';
/** Index of volumes: the storage behind them (shared-storage.ts). */
export const BY_STORAGE = 'storage';
/** Index of records: UID of the user's claim. */
export const BY_CLAIM_UID = 'claimUid';
/** Index of populator pods: their namespace and, by their name, the UID of the claim that they are for; see `podKey`. */
export const BY_POPULATED_CLAIM = 'populatedClaim';
/** Index of claims: the data source they name. */
export const BY_SOURCE = 'source';
/** Index of claims whose source is in another namespace: that namespace. */
export const BY_SOURCE_NAMESPACE = 'sourceNamespace';
/** Index of grants: the namespace that they open. */
export const BY_NAMESPACE = 'namespace';
/** Index of claims that have no volume yet: the class they name. */
export const BY_PENDING_CLASS = 'pendingClass';

export function podKey(namespace: string, claimUid: string): string {
  return `${namespace}/${claimUid}`;
}

export interface Stores {
  readonly claims: Store<Claim>;
  readonly volumes: Store<Volume>;
  readonly pods: Store<Pod>;
  readonly populations: Store<Population>;
  readonly storageClasses: Store<StorageClass>;
  /** One store for each plugin's source kind, by `Kind.group`. */
  readonly sources: ReadonlyMap<string, Store<SourceObject>>;
  /** Undefined where sources of other namespaces are not served. */
  readonly grants: Store<ReferenceGrant> | undefined;
}

export interface PopulateConfig {
  /** Image of populator pods whose plugin names none. */
  readonly populatorImage: string;
  readonly imagePullPolicy: string | undefined;
  /** The operator's settings of populator pods. */
  readonly podSettings: PopulatorPodSettings;
  /** Where sources of other namespaces are populated; undefined: such claims are not served. */
  readonly populatorNamespace: string | undefined;
  /** Serve claims of wrapper classes whose data, if any, comes from the provisioner itself. */
  readonly passThrough: boolean;
  /** Directory in which a crash point leaves its mark before it kills this process; undefined: crash points are off. */
  readonly crashPointDirectory: string | undefined;
}

export interface PopulateContext {
  readonly client: KubeClient;
  readonly stores: Stores;
  readonly plugins: PluginRegistry;
  readonly memory: Memory;
  readonly pace: Pace;
  readonly events: EventRecorder;
  readonly metrics: PopulateMetrics;
  readonly config: PopulateConfig;
}

/** A context for one reconcile of one claim. */
export interface StepContext extends PopulateContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** The plugin contract: what a plugin author writes, and what the framework hands to it. */
import type { Text } from '../api/foreign.ts';
import type { Claim, KubeObject, NewObject, OwnerReference, StorageClass, Volume, VolumeMode } from '../api/objects.ts';
import type { PluginPodSettings, SecurityProfile } from '../api/pod-settings.ts';
import type { PopulationProgress, PopulationResult } from '../api/population.ts';
import type { RecordIdentity } from '../api/proof.ts';

/**
 * JSON that the framework keeps in the Population between calls: readable to all who may read the claim, so no place for secrets, nor for anything that
 * was read in another namespace. At most 4 KiB.
 */
export type PluginState =
  | null
  | boolean
  | number
  | string
  | readonly PluginState[]
  | { readonly [key: string]: PluginState };

export interface PluginLogger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Which objects the plugin populates from. `plural` is the kind in lower case with an "s" unless said otherwise. */
export interface SourceKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural?: string;
}

/** The source as pinned when the population began; `spec` is what the plugin's schema made of it. */
export interface PluginSource<Spec> {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly spec: Spec;
}

export interface ClaimIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** One try at populating. `id` is the same across restarts of the controller: use it as an idempotency key. */
export interface Attempt {
  readonly number: number;
  readonly id: string;
}

export interface Marks {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** For objects in `home`; empty where the claim is in another namespace, since an owner elsewhere counts as gone. */
  readonly ownerReferences: readonly OwnerReference[];
  /** The claim's record, for `isMarked`. */
  readonly record: RecordIdentity;
}

/** What every call gets. `signal` aborts at the call's time limit and when leadership is lost. */
export interface BaseParams<Spec> {
  readonly source: PluginSource<Spec>;
  readonly claim: ClaimIdentity;
  /** Namespace of the prime and of what is made beside it. */
  readonly home: string;
  /** What each object that the plugin makes in the cluster must bear: it finds them, and `isMarked` proves by it for which claim they were made. */
  readonly marks: Marks;
  readonly attempt: Attempt;
  readonly state: PluginState | undefined;
  /** `state` of the last answer of `prepare`; unlike `state`, it outlives the attempts. */
  readonly prepared: PluginState | undefined;
  readonly logger: PluginLogger;
  readonly signal: AbortSignal;
}

/** Before the prime exists. */
export interface PrepareParams<Spec> extends BaseParams<Spec> {
  readonly claimObject: Claim;
  readonly storageClass: StorageClass | undefined;
}

/** Which of the two ways a volume is filled: by a pod that mounts it, or by calls from the controller. */
export type Path = 'pod' | 'podless';

/** What `prepare` tells of this claim; kept in its Population before the prime is made. */
export interface Preparation {
  /** For `prepared` of all later calls, the cleanup included. An answer without it keeps the one before; null forgets it. */
  readonly state?: PluginState;
  /** Which way this claim goes; for a plugin that has both, to be told before "done". */
  readonly path?: Path;
  /** The same for people, in one word: a column of Populations. */
  readonly route?: string;
}
export interface Prepared extends Preparation {
  readonly done: true;
}
/** The prime is not to be made yet: something is awaited. No failure, and not counted as one. */
export interface NotPrepared extends Preparation {
  readonly done: false;
  /** CamelCase; reason of the condition, and of the event where somebody has to do something. */
  readonly reason: string;
  /**
   * A string is taken for text of the data's owner: where the data is another namespace's, the claim's owner does not read it. In a list, the strings are
   * the plugin's own words, which he reads, and only the pieces that `foreign` made are kept from him.
   */
  readonly message: Text;
  /** `blocked`: somebody has to do something. `progressing` (default): it may need a look. `routine`: a step of the normal course. */
  readonly mood?: 'blocked' | 'progressing' | 'routine';
  readonly pollAfterMs?: number;
}

/** The prime is bound to the volume. */
export interface PopulateParams<Spec> extends PrepareParams<Spec> {
  readonly prime: Claim;
  readonly volume: Volume;
}

/**
 * Cleanup runs after success, failure and cancellation alike, so it can rely on the record only: `source.spec` is undefined where the source
 * was deleted or changed and its spec is above 4 KiB, or is in another namespace and there was no prime yet to keep it.
 */
export interface CleanupParams<Spec> extends Omit<BaseParams<Spec>, 'source'> {
  readonly source: PluginSource<Spec | undefined>;
  readonly prime: Claim | undefined;
  readonly volume: Volume | undefined;
}

export interface NotYet {
  readonly done: false;
  readonly pollAfterMs?: number;
  readonly progress?: Omit<PopulationProgress, 'updatedAt'>;
  readonly state?: PluginState;
}
export interface Done {
  readonly done: true;
  readonly result?: Omit<PopulationResult, 'verification'> & {
    readonly verification?: PopulationResult['verification'];
  };
}

/** Starts the work and returns; a second call with the same attempt id must not start it twice. */
export type PopulateFn<Spec> = (params: PopulateParams<Spec>) => Promise<{ readonly state?: PluginState } | void>;
/** Asks how the work stands. "Not yet" is an answer, not an error. */
export type PopulateCompleteFn<Spec> = (params: PopulateParams<Spec>) => Promise<boolean | Done | NotYet>;
/** Undoes what `prepare` and `populate` left behind outside the volume; idempotent. */
export type PopulateCleanupFn<Spec> = (params: CleanupParams<Spec>) => Promise<void>;

/**
 * What the populator container looks like; the framework adds the rest (volume, security, limits, names).
 * Command, arguments and environment are taken literally: Kubernetes' `$(NAME)` is not expanded in them.
 */
export interface PodTemplate {
  /** Absent: the populator image that the controller was configured with. */
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where the volume is mounted; a block volume appears as this device path. Default /target. */
  readonly mountPath?: string;
  /**
   * Secrets that the container reads as files: of the claim's namespace, and refused where the pod is in the populator namespace; with `ofOperator`,
   * those that the operator put there for this.
   */
  readonly secrets?: readonly { readonly name: string; readonly mountPath: string; readonly ofOperator?: boolean }[];
  /** ConfigMaps of the claim's namespace that the container reads as files. Refused where the source is in another namespace. */
  readonly configMaps?: readonly { readonly name: string; readonly mountPath: string }[];
  /**
   * More claims of the namespace of the prime, read-only unless `writable`; `mountPath` is the path of the device where `volumeMode` is Block.
   * The plugin answers for each that the claim's owner may use it: those that `prepare` made, or that he named.
   */
  readonly claims?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly volumeMode?: VolumeMode;
    readonly writable?: boolean;
  }[];
  /** Most that the container may keep in /tmp, as a quantity (default 64Mi); a pod that takes more is evicted. */
  readonly scratch?: string;
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
}

export interface DataOf<Spec> {
  readonly source: PluginSource<Spec>;
  readonly prepared: PluginState | undefined;
}

interface PluginBase<Spec> {
  /** Names the plugin in logs, metrics and events: lower case, digits and "-". */
  readonly name: string;
  readonly source: SourceKind;
  /** Turns the source's spec into the plugin's parameters, or throws an error that says which field is wrong. A zod schema will do. */
  readonly schema: { parse(spec: unknown): Spec };
  /** Refuses what cannot work (throw PermanentError) before any volume is made. */
  readonly preflight?: (params: PrepareParams<Spec>) => Promise<void>;
  /**
   * Namespace that the data comes from, where that is not the source's own. A claim whose data comes from another namespace is populated in the
   * populator namespace, where there is one. Pure: the same answer to the same source.
   */
  readonly dataNamespace?: (source: PluginSource<Spec>) => string;
  /**
   * The object there whose owner reads, in events on it, why a claim with its data failed. From caches alone; undefined where there is none, or where
   * its owner has not let the claim use it.
   */
  readonly dataObject?: (given: DataOf<Spec>) => KubeObject | undefined;
  /**
   * Makes what the prime needs outside of it; idempotent; undone by the cleanup function. Called again before each new prime, and after
   * "not yet"; no answer means "done".
   */
  readonly prepare?: (params: PrepareParams<Spec>) => Promise<Prepared | NotPrepared | void>;
  /**
   * Asked every half minute while the prime has no volume: an AttemptFailedError throws the prime away, and `prepare` is asked anew. For what `prepare` took
   * from others, who may want it back: a class that never provisions would keep it for ever.
   */
  readonly renew?: (params: PrepareParams<Spec>) => Promise<void>;
  /** Last word on the prime before it is created. Name, namespace, finalizers and owner are the framework's. */
  readonly mutatePrime?: (prime: NewObject, params: PrepareParams<Spec>) => NewObject;
  /** Time limit of one call in milliseconds (default 30,000). */
  readonly callTimeoutMs?: number;
  /** Time between two questions to `populateComplete`, or two looks at the pod's progress (default 5,000). */
  readonly pollIntervalMs?: number;
  /** Failed attempts before the population stops until the source's spec changes (default 10). */
  readonly maxAttempts?: number;
  readonly populateCleanup?: PopulateCleanupFn<Spec>;
}

/** A plugin whose work is done in a pod that mounts the volume. */
export interface PodPlugin<Spec> extends PluginBase<Spec> {
  /** What all pods of this plugin need beside their container: fixed, so that no source can have a say in it. The operator's settings win. */
  readonly podSettings?: PluginPodSettings;
  /**
   * The profile that this claim's pods need, where not all of the plugin's need the same. The operator's settings win; where they, or the
   * namespace, do not allow what is needed, the claim waits (`PodSecurityForbidden`) before any volume is made. Always the same answer to
   * the same source and claim.
   */
  readonly securityProfile?: (params: PrepareParams<Spec>) => SecurityProfile;
  /** The container always ends with a report as its termination message: without one, exit code 0 is not taken for success (default false). */
  readonly reports?: boolean;
  /**
   * Its container looks into the volume before it writes, as VOLPRIME_TARGET says, and reports what it found (`found`). Without it the framework
   * looks first, by an init container of the populator image (default false).
   */
  readonly examinesVolume?: boolean;
  readonly pod: (params: PopulateParams<Spec>) => PodTemplate;
}

/** A plugin whose work is done elsewhere, by calls from the controller. */
export interface PodlessPlugin<Spec> extends PluginBase<Spec> {
  readonly populate: PopulateFn<Spec>;
  readonly populateComplete: PopulateCompleteFn<Spec>;
}

/** A plugin that has both ways and chooses one for each claim: `prepare` answers with its `path`. A failed attempt is followed by a new prime. */
export interface ChoosingPlugin<Spec> extends PodPlugin<Spec>, PodlessPlugin<Spec> {
  readonly choosesPath: true;
  readonly prepare: (params: PrepareParams<Spec>) => Promise<Prepared | NotPrepared>;
}

export type Plugin<Spec = unknown> = PodPlugin<Spec> | PodlessPlugin<Spec> | ChoosingPlugin<Spec>;

/** The plugin contract: what a plugin author writes, and what the framework hands to it. */
import type { Claim, NewObject, StorageClass, Volume } from '../api/objects.ts';
import type { PluginPodSettings, SecurityProfile } from '../api/pod-settings.ts';
import type { PopulationProgress, PopulationResult } from '../api/population.ts';

/** JSON that the framework keeps in the Population between calls: readable to all who may read the claim, so no place for secrets. */
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

/** What every call gets. `signal` aborts at the call's time limit and when leadership is lost. */
export interface BaseParams<Spec> {
  readonly source: PluginSource<Spec>;
  readonly claim: ClaimIdentity;
  readonly attempt: Attempt;
  readonly state: PluginState | undefined;
  readonly logger: PluginLogger;
  readonly signal: AbortSignal;
}

/** Before the prime exists. */
export interface PrepareParams<Spec> extends BaseParams<Spec> {
  readonly claimObject: Claim;
  readonly storageClass: StorageClass | undefined;
}

/** The prime is bound to the volume. */
export interface PopulateParams<Spec> extends PrepareParams<Spec> {
  readonly prime: Claim;
  readonly volume: Volume;
}

/**
 * Cleanup runs after success, failure and cancellation alike, so it can rely on the record only: `source.spec` is undefined where the source
 * is in another namespace and was deleted or changed before there was a prime to keep its spec.
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
  /** Secrets of the claim's namespace that the container reads as files. Refused where the source is in another namespace. */
  readonly secrets?: readonly { readonly name: string; readonly mountPath: string }[];
  /** ConfigMaps of the claim's namespace that the container reads as files. Refused where the source is in another namespace. */
  readonly configMaps?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
}

interface PluginBase<Spec> {
  /** Names the plugin in logs, metrics and events: lower case, digits and "-". */
  readonly name: string;
  readonly source: SourceKind;
  /** Turns the source's spec into the plugin's parameters, or throws an error that says which field is wrong. A zod schema will do. */
  readonly schema: { parse(spec: unknown): Spec };
  /** Refuses what cannot work (throw PermanentError) before any volume is made. */
  readonly preflight?: (params: PrepareParams<Spec>) => Promise<void>;
  /** Makes what the prime needs outside of it; idempotent; undone by the cleanup function. */
  readonly prepare?: (params: PrepareParams<Spec>) => Promise<void>;
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
  readonly pod: (params: PopulateParams<Spec>) => PodTemplate;
}

/** A plugin whose work is done elsewhere, by calls from the controller. */
export interface PodlessPlugin<Spec> extends PluginBase<Spec> {
  readonly populate: PopulateFn<Spec>;
  readonly populateComplete: PopulateCompleteFn<Spec>;
}

export type Plugin<Spec = unknown> = PodPlugin<Spec> | PodlessPlugin<Spec>;

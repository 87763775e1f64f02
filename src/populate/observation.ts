import type { Text } from '../api/foreign.ts';
import type { Claim, Pod, StorageClass, Volume } from '../api/objects.ts';
import type { PinnedSource, Population, PopulationProgress, PopulationResult } from '../api/population.ts';
import type { CallFailure } from '../runtime/index.ts';
import type { Access } from './grants.ts';

/**
 * Everything that a decision about one claim rests on, gathered at one moment and frozen.
 * Each object is proven to belong to this claim's UID before it gets in here; what only looks like ours is `foreign`.
 */
export interface Observation {
  /** UID of the user's claim. */
  readonly uid: string;
  readonly claim: Claim | undefined;
  readonly population: Population | undefined;
  /** Namespace of prime and pods: the claim's own, or the populator namespace where the source is in another one. */
  readonly home: string;
  readonly prime: Claim | undefined;
  /** The volume that names the prime, or the recorded one once it names the claim. */
  readonly volume: Volume | undefined;
  /** The recorded volume of a prime that is gone, as long as it names that prime. */
  readonly former: Volume | undefined;
  /** Another volume with the same storage as `volume`. */
  readonly sharedWith: Volume | undefined;
  /** All populator pods of this claim, oldest attempt first. */
  readonly pods: readonly AttemptPod[];
  readonly foreign: ForeignObject | undefined;
  readonly plugin: PluginFacts | undefined;
  /** Whether the claim may use the source that it names. */
  readonly access: Access;
  /**
   * The data is another namespace's, or the work on it is done outside of the claim's namespace: what was read there is not for the claim's owner.
   */
  readonly dataElsewhere: boolean;
  /** The source that the record pins, with its spec; undefined where none is pinned or it has to be pinned anew. */
  readonly pinned: PinnedSource | undefined;
  /** The source as it stands now; undefined where it does not exist, or the claim may not use it. */
  readonly source: PinnedSource | undefined;
  /** The class whose provisioner makes the volume: the claim's own, or the one that a wrapper names. */
  readonly storageClass: StorageClass | undefined;
  /** The claim's own class where that is a wrapper. */
  readonly wrapper: StorageClass | undefined;
  readonly local: LocalFacts;
}

export interface AttemptPod {
  readonly attempt: number;
  readonly pod: Pod;
}

/** An object that bears a name we need and was not made by us. */
export interface ForeignObject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** What a decision needs to know of the plugin. */
export interface PluginFacts {
  readonly name: string;
  /** For a plugin that has both ways: the one that the record tells of. */
  readonly path: 'pod' | 'podless';
  readonly choosesPath: boolean;
  /** Something must be asked or made before the prime is: by the plugin, or of the namespace its pods go to. */
  readonly hasPrepare: boolean;
  /** The plugin is asked from time to time whether to go on waiting for the prime's volume. */
  readonly hasRenew?: boolean;
  readonly hasCleanup: boolean;
  /** Its pods always report: exit code 0 alone is no success. */
  readonly reports: boolean;
  /** The provisioner itself brings the data that the claim asks for, if any. */
  readonly byProvisioner: boolean;
  readonly maxAttempts: number;
  readonly pollIntervalMs: number;
}

/**
 * What this process knows beside the API server's objects: answers of plugin calls. Losing it (a restart) costs a repeated call,
 * which plugins must bear, and nothing else.
 */
export interface LocalFacts {
  /** `preflight` and `prepare` have passed for the pinned source. */
  readonly prepared: boolean;
  /** What `prepare` last awaited. */
  readonly preparing: Preparing | undefined;
  /** Attempt for which `populate` has returned; 0 for none. */
  readonly startedAttempt: number;
  readonly answer: CompleteAnswer | undefined;
  /** A call failed and the failure is not yet recorded. */
  readonly failure: Failure | undefined;
  readonly cleaned: boolean;
  readonly cleanupFailures: number;
  readonly cleanupRetryAt: number;
  /** Attempt that this process itself has recorded as begun; 0 for none. */
  readonly attemptBegun: number;
  /** Attempt whose pod this process has seen or made; 0 for none. */
  readonly podSeen: number;
  /** Attempt whose pod is known to be as it would be made now; 0 for none. */
  readonly podReviewed: number;
  /** The last look at the node that was chosen for the prime, and when it was (epoch milliseconds). */
  readonly nodeLook: { readonly node: string; readonly at: number; readonly gone: boolean } | undefined;
  /** When the plugin was last asked whether to go on waiting for a volume, in epoch milliseconds. */
  readonly renewedAt?: number;
  /** When progress was last read, in epoch milliseconds. */
  readonly progressAt: number;
}

export const noLocalFacts: LocalFacts = {
  prepared: false,
  preparing: undefined,
  startedAttempt: 0,
  answer: undefined,
  failure: undefined,
  cleaned: false,
  cleanupFailures: 0,
  cleanupRetryAt: 0,
  attemptBegun: 0,
  podSeen: 0,
  podReviewed: 0,
  nodeLook: undefined,
  progressAt: 0,
};

/** "Not yet", as `prepare` said it. */
export interface Preparing {
  readonly reason: string;
  readonly message: Text;
  readonly mood: 'blocked' | 'progressing' | 'routine';
  readonly askAgainAt: number;
}

export type CompleteAnswer =
  | { readonly done: true; readonly attempt: number; readonly result: PopulationResult }
  | {
      readonly done: false;
      readonly attempt: number;
      readonly askAgainAt: number;
      readonly progress: Omit<PopulationProgress, 'updatedAt'> | undefined;
    };

/**
 * Why something did not work, and what that means. `call`: the same attempt goes on after a wait. `attempt`: the next attempt starts after a
 * wait. `permanent`: nothing more until the source's spec changes.
 */
export interface Failure extends CallFailure {
  /** Not the population's own doing (an eviction, a lost node): does not count towards the limit of attempts. */
  readonly excused?: boolean;
  /** The prime may have been written to by somebody we cannot vouch for: the next attempt gets a new one. */
  readonly discardPrime?: boolean;
}

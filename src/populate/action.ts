import type { Text } from '../api/foreign.ts';
import type { Claim, Pod, Volume } from '../api/objects.ts';
import type { PinnedSource, PopulationProgress, PopulationResult, TargetClass } from '../api/population.ts';
import type { Found } from '../api/populator-program.ts';
import type { Failure } from './observation.ts';

/** Nothing to write now, and why. The reason is what status, events and the command line show. */
export interface Waiting {
  /** CamelCase reason of the condition. */
  readonly reason: string;
  readonly message: Text;
  /**
   * `routine`: a step of the normal course; told only when it takes unusually long. `healthy`: as it should be (waiting for a first consumer);
   * `progressing`: may need a look (an image that is not there yet). `blocked`: somebody has to do something; told with an event.
   * These are told when they last for two seconds. `stuck`: may mend by itself, and needs somebody if it does not (no node takes the pod); told with
   * an event when it lasts for twenty seconds.
   */
  readonly mood: 'routine' | 'healthy' | 'progressing' | 'blocked' | 'stuck';
  /** Look again at this time (epoch milliseconds) even if nothing changes. */
  readonly until?: number;
}

/**
 * One step of a population. Each is small, idempotent and guarded by preconditions, so that it can be repeated after any crash.
 * The names are also the names of the crash points (`before-<name>`, `after-<name>`).
 */
export type Action =
  | { readonly type: 'Ignore'; readonly why: string }
  | { readonly type: 'Wait'; readonly waiting: Waiting }
  // Steps 0 to 2: the fence, the record.
  | { readonly type: 'ProtectClaim' }
  | {
      readonly type: 'RecordPopulation';
      readonly pinned: PinnedSource;
      /** Undefined where the claim's class provisions itself. */
      readonly target: TargetClass | undefined;
    }
  /** A record that only tells: nothing was begun, and nothing will be. */
  | { readonly type: 'CreateRecord' }
  // Step 3: the prime and its volume.
  | { readonly type: 'Prepare' }
  | { readonly type: 'CreatePrime'; readonly node: string | undefined }
  | { readonly type: 'Renew' }
  | { readonly type: 'SetPrimeNode'; readonly node: string }
  | { readonly type: 'LookForNode'; readonly node: string }
  | { readonly type: 'RecordRefusal'; readonly node: string; readonly prime: Claim }
  | { readonly type: 'HandBackNode'; readonly node: string }
  | { readonly type: 'RecordFinding'; readonly found: Found }
  | { readonly type: 'SuspendRetain'; readonly volume: Volume }
  | { readonly type: 'KeepVolume'; readonly volume: Volume }
  // Step 4: the work.
  | { readonly type: 'StartAttempt'; readonly attempt: number; readonly volume: Volume }
  | { readonly type: 'CreatePod'; readonly attempt: number }
  | { readonly type: 'ReviewPod'; readonly attempt: number; readonly pod: Pod }
  | { readonly type: 'CallPopulate'; readonly attempt: number }
  | { readonly type: 'CallComplete'; readonly attempt: number }
  | { readonly type: 'ReadProgress'; readonly pod: Pod }
  | { readonly type: 'RecordProgress'; readonly progress: Omit<PopulationProgress, 'updatedAt'> }
  | { readonly type: 'RecordResult'; readonly result: PopulationResult }
  | {
      readonly type: 'RecordFailure';
      readonly failure: Failure;
      readonly final: boolean;
      readonly nextAttemptAt: number | undefined;
    }
  // Steps 5 and 6: the swap.
  | { readonly type: 'Rebind' }
  | { readonly type: 'RecordSuccess' }
  // Steps 7 and 8: nothing left.
  | { readonly type: 'DeletePod'; readonly pod: Pod }
  | { readonly type: 'ReleasePod'; readonly pod: Pod }
  | { readonly type: 'CallCleanup' }
  | { readonly type: 'SkipCleanup' }
  | { readonly type: 'DeleteVolume'; readonly volume: Volume }
  | { readonly type: 'DeletePrime' }
  | { readonly type: 'ReleasePrime' }
  | { readonly type: 'ReleaseClaim' }
  | { readonly type: 'ReleasePopulation' };

export type ActionType = Action['type'];
export type ActionOf<T extends ActionType> = Extract<Action, { type: T }>;

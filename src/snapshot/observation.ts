import type { Claim, Volume } from '../api/objects.ts';
import type { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from '../api/snapshots.ts';
import type { CallFailure } from '../runtime/index.ts';
import type { SnapshotAnswer } from '../sdk/index.ts';
import type { CaptureRecord } from './record.ts';

/** Everything that a decision about one content rests on, gathered at one moment and frozen. */
export interface Observation {
  /** UID of the content. */
  readonly uid: string;
  /** Undefined also where it is not ours to serve: see isServed. */
  readonly content: VolumeSnapshotContent | undefined;
  readonly plugin: SnapshotPluginFacts | undefined;
  readonly record: CaptureRecord | 'unreadable' | undefined;
  /** The VolumeSnapshot that the content names, if it is that very one. */
  readonly snapshot: VolumeSnapshot | undefined;
  /** The class that the content names. */
  readonly snapshotClass: VolumeSnapshotClass | undefined;
  /** The claim that the VolumeSnapshot names, and the volume that this claim names. */
  readonly claim: Claim | undefined;
  readonly volume: Volume | undefined;
  readonly local: LocalFacts;
}

/** What a decision needs to know of the plugin. */
export interface SnapshotPluginFacts {
  readonly name: string;
  readonly driver: string;
  readonly hasCleanup: boolean;
  /** The handle of a capture whose beginning was not answered; undefined where the plugin cannot tell. */
  readonly handleOf: ((key: string) => string) | undefined;
}

/**
 * What this process knows beside the API server's objects. Losing it (a restart) costs a repeated call, which plugins must bear, and begins
 * the bounded patience with a deletion anew; nothing else.
 */
export interface LocalFacts {
  /** A call failed and the failure is not yet told. */
  readonly failure: CallFailure | undefined;
  /** Failures in a row; a call that works ends the row. */
  readonly failures: number;
  /** No call before this time (epoch milliseconds). */
  readonly retryAt: number;
  /** The capture is over without a result: it is tidied up, and begun anew at `retryAt`. */
  readonly ended: boolean;
  readonly answer: Answer | undefined;
  readonly cleaned: boolean;
  readonly cleanupFailures: number;
  readonly cleanupRetryAt: number;
  readonly removal: Removal;
  /** When progress was last written, in epoch milliseconds. */
  readonly progressAt: number;
  /** The wait that was last told with an event. */
  readonly told: string | undefined;
}

/** How the removal of the data stands. */
export interface Removal {
  readonly done: boolean;
  readonly failures: number;
  /** When it was first asked for; 0 before. */
  readonly since: number;
  readonly retryAt: number;
  /** The namespace of the VolumeSnapshot is gone or going, and with it what is needed to remove the data. */
  readonly homeEnds: boolean;
  readonly lastError: string | undefined;
}

export const noRemoval: Removal = {
  done: false,
  failures: 0,
  since: 0,
  retryAt: 0,
  homeEnds: false,
  lastError: undefined,
};

export const noLocalFacts: LocalFacts = {
  failure: undefined,
  failures: 0,
  retryAt: 0,
  ended: false,
  answer: undefined,
  cleaned: false,
  cleanupFailures: 0,
  cleanupRetryAt: 0,
  removal: noRemoval,
  progressAt: 0,
  told: undefined,
};

export interface Answer extends SnapshotAnswer {
  /** Epoch milliseconds. */
  readonly askAgainAt: number;
}

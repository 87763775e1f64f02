/**
 * The snapshot contract, beside that of the populators: what somebody writes who takes snapshots of volumes whose CSI driver cannot.
 *
 * The framework serves a `VolumeSnapshotContent` of the plugin's driver as a csi-snapshotter does for a CSI driver: it keeps annotations, finalizer
 * and status by upstream's rules, and asks the plugin for the work.
 */
import type { VolumeMode } from '../api/objects.ts';
import type { PopulationProgress } from '../api/population.ts';
import type { PluginLogger, PluginState } from './plugin.ts';

/** What every call gets. `signal` aborts at the call's time limit and when leadership is lost. */
export interface SnapshotParams<Parameters> {
  /** Idempotency key: the same for all calls about one snapshot, across restarts. The UID of the object that asked for it; of an import, of its content. */
  readonly key: string;
  readonly content: {
    readonly name: string;
    readonly uid: string;
    /** `creationTimestamp`, RFC 3339. */
    readonly createdAt: string;
  };
  /** The VolumeSnapshot that the content is bound to. */
  readonly snapshot: { readonly namespace: string; readonly name: string; readonly uid: string | undefined };
  /** Of the class, without those of the framework (`csi.storage.k8s.io/…`); as they stood when the snapshot was begun. */
  readonly parameters: Parameters;
  /** Names the credentials; their content is for pods, never for a controller. */
  readonly secret: { readonly namespace: string; readonly name: string } | undefined;
  readonly sourceVolumeMode: VolumeMode | undefined;
  /** `state` of the last answer. */
  readonly state: PluginState | undefined;
  readonly logger: PluginLogger;
  readonly signal: AbortSignal;
}

/** To capture: the claim whose volume it is, which upstream protects until the snapshot is ready. */
export interface CaptureParams<Parameters> extends SnapshotParams<Parameters> {
  readonly source: {
    readonly namespace: string;
    readonly claim: string;
    readonly claimUid: string;
    readonly volume: string;
    /** Bytes; undefined where the volume does not say. */
    readonly capacityBytes: number | undefined;
  };
}

/** To tell of, or to delete, what has a handle. */
export interface HandleParams<Parameters> extends SnapshotParams<Parameters> {
  readonly handle: string;
  /** Absent for a snapshot that was taken elsewhere and is imported. */
  readonly source: CaptureParams<Parameters>['source'] | undefined;
}

/** What a capture has come to. A failure is thrown: PermanentError for what cannot get better by itself, else it is tried again. */
export interface SnapshotAnswer {
  /** When the point in time was taken; from then on the volume may be written to. Absent: not yet. */
  readonly cutAt?: Date;
  readonly ready: boolean;
  /** Bytes that a volume needs to take the snapshot; the capacity of the source, not what is stored. Final once told. */
  readonly restoreSize?: number;
  readonly progress?: Omit<PopulationProgress, 'updatedAt'>;
  readonly state?: PluginState;
  readonly pollAfterMs?: number;
}

/** Begins the capture and returns soon; a second call with the same key begins no second one. */
export type SnapshotFn<Parameters> = (
  params: CaptureParams<Parameters>,
) => Promise<{ readonly handle: string; readonly state?: PluginState }>;
/**
 * How it stands, and takes the next step of work that has several; called again and again, after failures too. An imported handle that does not
 * exist: PermanentError `SnapshotNotFound`.
 */
export type SnapshotCompleteFn<Parameters> = (params: HandleParams<Parameters>) => Promise<SnapshotAnswer>;
/** Removes the data; "not there" is success. False: in use or under way, ask again. Also called to cancel a capture that is not ready. */
export type SnapshotDeleteFn<Parameters> = (params: HandleParams<Parameters>) => Promise<boolean>;
/** Removes what the work needed (pods, clones); after success, failure and deletion alike; idempotent. */
export type SnapshotCleanupFn<Parameters> = (params: SnapshotParams<Parameters>) => Promise<void>;

export interface SnapshotPlugin<Parameters = unknown> {
  /** Names the plugin in logs, metrics and events: lower case, digits and "-". */
  readonly name: string;
  /** The `driver` of its VolumeSnapshotClasses; not the name of a CSI driver. */
  readonly driver: string;
  /** Turns a class's parameters into the plugin's, or throws an error that says which is wrong. A zod schema will do. */
  readonly parameters: { parse(parameters: unknown): Parameters };
  /**
   * The handle that the capture with this key has or will have. Needed where the handle must be known before the capture is begun
   * (VolumeCapture), and to remove what a call of `snapshot` left whose answer was lost: without it only the cleanup function is told then.
   */
  readonly handleOf?: (key: string) => string;
  readonly snapshot: SnapshotFn<Parameters>;
  readonly snapshotComplete: SnapshotCompleteFn<Parameters>;
  readonly snapshotDelete: SnapshotDeleteFn<Parameters>;
  readonly snapshotCleanup?: SnapshotCleanupFn<Parameters>;
  /** Time limit of one call in milliseconds (default 30,000). */
  readonly callTimeoutMs?: number;
  /** Time between two questions to `snapshotComplete` (default 5,000). */
  readonly pollIntervalMs?: number;
}

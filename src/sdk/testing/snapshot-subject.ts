/** Which snapshot plugin is examined, and what the kit is told of the world outside of it. */
import type { CaptureParams, SnapshotPlugin } from '../snapshot-plugin.ts';
import type { Outside } from './subject.ts';

export interface SnapshotSubject {
  /** Makes the plugin anew, as a restart of the controller would: nothing may be kept in memory between two of them but the work itself. */
  readonly plugin: () => SnapshotPlugin | Promise<SnapshotPlugin>;
  /** A volume that can be captured. */
  readonly source: CaptureParams<unknown>['source'];
  /** A volume whose capture fails, for good or each time. */
  readonly failingSource?: CaptureParams<unknown>['source'];
  /** Of the VolumeSnapshotClass; none unless told. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Parameters with which nothing can be done, each set for itself. */
  readonly badParameters?: readonly Readonly<Record<string, string>>[];
  readonly secret?: CaptureParams<unknown>['secret'];
  /** Where the snapshots are kept. `begun` counts captures, `left` what of them is there. */
  readonly outside?: Outside;
  /** How long a capture may take in milliseconds; a minute unless told. */
  readonly limitMs?: number;
  /**
   * How long one call may take, and how long one that was told to stop; milliseconds. By default the plugin's own time limit (30,000 where it
   * has none), and 1,000.
   */
  readonly limits?: { readonly callMs?: number; readonly stopMs?: number };
}

import type { Claim, Volume } from '../../api/objects.ts';
import type { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from '../../api/snapshots.ts';
import type { VolumeCapture } from '../../api/volume-capture.ts';
import type { SnapshotPluginFacts } from '../observation.ts';

/** Everything that a decision about one VolumeCapture rests on. What only bears our names is not in here, but for `taken`. */
export interface Observation {
  /** UID of the VolumeCapture. */
  readonly uid: string;
  readonly capture: VolumeCapture | undefined;
  readonly content: VolumeSnapshotContent | undefined;
  readonly snapshot: VolumeSnapshot | undefined;
  /** A VolumeSnapshot of that name exists and is not of this capture. */
  readonly taken: boolean;
  readonly claim: Claim | undefined;
  readonly volume: Volume | undefined;
  readonly snapshotClass: VolumeSnapshotClass | undefined;
  /** Of the driver that the class names. */
  readonly plugin: SnapshotPluginFacts | undefined;
}

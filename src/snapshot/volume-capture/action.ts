import type { VolumeCapture } from '../../api/volume-capture.ts';
import type { Claim, NewObject } from '../../api/objects.ts';
import type { VolumeSnapshot, VolumeSnapshotContent } from '../../api/snapshots.ts';

/** What a person is told: reason and message of the Ready condition. */
export interface Word {
  readonly reason: string;
  readonly message: string;
}

export type Action =
  | { readonly type: 'Ignore'; readonly why: string }
  /** `blocked`: somebody has to do something; told with an event. */
  | {
      readonly type: 'Wait';
      readonly capture: VolumeCapture;
      readonly word: Word;
      readonly blocked: boolean;
      readonly progress?: string;
    }
  | { readonly type: 'HoldClaim'; readonly claim: Claim }
  | { readonly type: 'CreateContent'; readonly object: NewObject }
  | { readonly type: 'RecordContent'; readonly capture: VolumeCapture; readonly names: Names }
  | { readonly type: 'CreateSnapshot'; readonly object: NewObject }
  /** It is over, well or not. */
  | { readonly type: 'RecordEnd'; readonly capture: VolumeCapture; readonly ready: boolean; readonly word: Word }
  // The capture is to be cancelled.
  | { readonly type: 'DeleteSnapshot'; readonly snapshot: VolumeSnapshot }
  | { readonly type: 'DeleteContent'; readonly content: VolumeSnapshotContent }
  | { readonly type: 'AwaitRemoval' };

export interface Names {
  readonly snapshotName: string;
  readonly contentName: string;
}

export type ActionOf<T extends Action['type']> = Extract<Action, { type: T }>;

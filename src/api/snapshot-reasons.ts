import type { ReasonDoc } from './reasons.ts';

/**
 * Why a snapshot of a driver of ours is not ready or does not go: reason of the Warning event on the VolumeSnapshot, first word of
 * `status.error.message`, and the `reason` label of `volprime_snapshot_failures_total`.
 */
export const snapshotReasons = {
  SnapshotClassNotFound: {
    next: 'waits',
    meaning: 'The VolumeSnapshotClass does not exist any more, and the capture has not begun.',
    help: 'Create it; the snapshot goes on within seconds.',
  },
  SourceClaimNotFound: {
    next: 'waits',
    meaning: 'The claim that the VolumeSnapshot names does not exist.',
    help: 'Create it, or delete the VolumeSnapshot.',
  },
  SourceVolumeChanged: {
    next: 'waits',
    meaning: 'The claim has not, or no longer, the volume of which the snapshot was asked.',
    help: 'Delete the VolumeSnapshot and take another.',
  },
  HandleChanged: {
    next: 'retries',
    meaning: 'The plugin gave another handle to a snapshot that has one. A handle is written once.',
    help: 'A defect of the plugin.',
  },
  PluginError: {
    next: 'retries',
    meaning: 'A function of the plugin threw an error.',
    help: "The message is the plugin's.",
  },
  PluginTimeout: { next: 'retries', meaning: 'A function of the plugin did not answer in time.', help: '' },
  InvalidSnapshotClass: {
    next: 'retries',
    meaning: 'The plugin cannot use the parameters of the VolumeSnapshotClass.',
    help: 'The message names the parameter. Parameters are read when a capture is first begun: make a class and take another snapshot.',
  },
  SnapshotNotFound: {
    next: 'retries',
    meaning: 'The handle of the imported content is not known to the store.',
    help: 'Correct the handle: delete VolumeSnapshot and content, and make them anew.',
  },
  SnapshotDeletePending: {
    next: 'waits',
    meaning: 'A claim is being restored from the snapshot; its data is removed afterwards.',
    help: '',
  },
  SnapshotDeleteError: {
    next: 'retries',
    meaning: 'The data of the snapshot cannot be removed.',
    help: 'Mend what the message names, or annotate the VolumeSnapshot with volprime.dev/skip-cleanup=true to leave the data where it is.',
  },
  SnapshotDataLeft: {
    next: 'done',
    meaning: 'The snapshot is gone and its data is not: it could not be removed in time.',
    help: 'The message names the handle and the Secret of the repository. Remove it there.',
  },
  SnapshotCleanupFailed: {
    next: 'retries',
    meaning: "The plugin's cleanup function fails. After ten calls it goes on without it.",
    help: 'See what the plugin left behind (pods, temporary claims).',
  },
} as const satisfies Readonly<Record<string, ReasonDoc>>;

export type SnapshotReason = keyof typeof snapshotReasons;

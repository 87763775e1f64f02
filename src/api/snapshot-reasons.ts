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
  ClaimInUse: {
    next: 'waits',
    meaning: 'The claim is ReadWriteOncePod and a pod uses it: a second pod may not read it.',
    help: 'End that pod for the time of the capture, or use a class whose driver can clone.',
  },
  CloneNotMade: {
    next: 'waits',
    meaning: 'The class asks for a clone of the volume (clone: require), and the driver has made none in time.',
    help: 'See the events of the claim volprime-clone-<key>; say clone: auto where the driver cannot clone.',
  },
  CloneNotPossible: {
    next: 'retries',
    meaning: 'The class asks for a clone (clone: require), and volumes of this kind cannot be cloned.',
    help: 'Use a class that says clone: auto or never.',
  },
  CloneLost: { next: 'retries', meaning: 'The clone was deleted while it was being read.', help: '' },
  InvalidHook: {
    next: 'retries',
    meaning: 'An annotation for a command before or after the capture cannot be used.',
    help: 'The message names pod and annotation.',
  },
  PreHookFailed: {
    next: 'retries',
    meaning: 'A command before the capture failed, did not end in time, or may not be run. Nothing was captured.',
    help: 'The message has its output. Where the right is missing: deploy/components/snapshot-hooks.',
  },
  PostHookFailed: {
    next: 'done',
    meaning: 'A command after the capture failed. The snapshot is good; the application may still be held.',
    help: 'Look at the application; the message names the pod.',
  },
  RepositorySecretMissing: {
    next: 'retries',
    meaning: 'No Secret is named for the repository.',
    help: 'Give the class csi.storage.k8s.io/snapshotter-secret-name and -namespace, an imported content the annotations of docs/snapshot-capture.md.',
  },
  RepositoryBeingMade: {
    next: 'waits',
    meaning:
      'It is not known yet that the repository is there, and the pod of another capture may be making it: two that do so at once may leave one that nobody can open.',
    help: 'The message names the pod that has to open the repository, or end. If it cannot start, mend what its own VolumeSnapshot says, or delete that VolumeSnapshot.',
  },
  SecretAcrossNamespaces: {
    next: 'retries',
    meaning: "The repository's Secret is in another namespace than the VolumeSnapshot.",
    help: 'Let the class say csi.storage.k8s.io/snapshotter-secret-namespace: ${volumesnapshot.namespace}.',
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
  ForeignSnapshotWriter: {
    next: 'done',
    meaning:
      'Somebody else has written to the VolumeSnapshotContent what only the one who serves its driver may write: its status, or the mark of a capture under way.',
    help: 'The message names the writer. Is a csi-snapshotter running for the name of this driver? It is left alone: end it, and take the snapshot again.',
  },
  SnapshotControllerMissing: {
    next: 'waits',
    meaning:
      "Nobody ties the VolumeSnapshot to a content: upstream's snapshot controller does not run, or does not come to it.",
    help: 'For the operator of the cluster: install the snapshot controller of kubernetes-csi/external-snapshotter.',
  },
  UseVolumeCapture: {
    next: 'waits',
    meaning:
      'The volume of the claim is of no CSI driver, and the snapshot controller takes no VolumeSnapshot of such a volume.',
    help: 'Make a VolumeCapture instead: it makes a VolumeSnapshot of any volume (docs/snapshot-capture.md).',
  },
} as const satisfies Readonly<Record<string, ReasonDoc>>;

/** Why a VolumeCapture is not ready: reason of its condition and, where somebody has to do something, of a Warning event on it. */
export const volumeCaptureReasons = {
  SnapshotClassNotFound: {
    next: 'waits',
    meaning: 'spec.volumeSnapshotClassName names no VolumeSnapshotClass.',
    help: 'Create it; the capture goes on within seconds.',
  },
  SnapshotClassUnsuitable: {
    next: 'waits',
    meaning:
      'The class is of a driver that this controller does not serve, or names its Secret in a way that cannot be used.',
    help: 'Use a class with driver snapshot.volprime.dev, in another VolumeCapture.',
  },
  SourceClaimNotFound: {
    next: 'waits',
    meaning: 'spec.claimName names no claim of this namespace, or one that is being deleted.',
    help: 'Create it; the capture goes on within seconds.',
  },
  SourceClaimNotBound: {
    next: 'waits',
    meaning: 'The claim has no volume yet.',
    help: 'A claim that waits for a first consumer needs a pod.',
  },
  NameTaken: {
    next: 'waits',
    meaning: 'A VolumeSnapshot of that name exists and is not of this capture. It is left alone.',
    help: 'Remove it, or make a VolumeCapture with another snapshotName.',
  },
  Capturing: { next: 'waits', meaning: 'The capture is under way. An error in the message is tried again.', help: '' },
  Captured: { next: 'done', meaning: 'The VolumeSnapshot is ready.', help: '' },
  SnapshotDeleted: {
    next: 'done',
    meaning: 'The VolumeSnapshot was deleted before it was ready; the capture was cancelled.',
    help: 'Make another VolumeCapture.',
  },
} as const satisfies Readonly<Record<string, ReasonDoc>>;

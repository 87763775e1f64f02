/** Why a snapshot is not restored yet: a part of the vocabulary in reasons.ts. */
export const restoreReasons = {
  Preparing: { next: 'waits', meaning: 'What the restore needs beside the temporary claim is being made.', help: '' },
  SnapshotNotFound: {
    next: 'waits',
    meaning: 'The VolumeSnapshot does not exist.',
    help: 'Create it, or correct the name; the claim goes on within seconds.',
  },
  SnapshotReplaced: {
    next: 'stops',
    meaning:
      'The VolumeSnapshot was deleted and made anew while it was to be restored; the restore begins again, with the new one.',
    help: '',
  },
  SnapshotBeingDeleted: {
    next: 'waits',
    meaning:
      'The VolumeSnapshot is being deleted, or is gone: no restore begins from it, and one without a volume is given up.',
    help: 'Name another snapshot.',
  },
  SnapshotNotReady: {
    next: 'waits',
    meaning: 'The VolumeSnapshot is not bound, or not ready to use.',
    help: 'The message has its error, if it has one; see also "kubectl describe volumesnapshot".',
  },
  SnapshotContentMissing: {
    next: 'waits',
    meaning: 'The VolumeSnapshotContent of the snapshot does not exist, or its handle cannot be used.',
    help: 'For the owner of the snapshot: take or import it anew.',
  },
  SnapshotMisbound: {
    next: 'waits',
    meaning:
      'The VolumeSnapshot names a content that does not name it in return (name, namespace and UID). Its data is not given away.',
    help: 'Take the snapshot anew. If nobody mended anything by hand, somebody may have tried to read the data of others.',
  },
  ClaimSmallerThanSnapshot: {
    next: 'waits',
    meaning: 'The claim asks for less storage than the snapshot needs.',
    help: 'Recreate the claim with at least the size in the message.',
  },
  VolumeModeChangeNotAllowed: {
    next: 'waits',
    meaning: 'The claim has another volumeMode than the volume that the snapshot was taken of.',
    help: 'Recreate the claim with that mode; or, for a CSI driver that can convert, let an administrator annotate the content with snapshot.storage.kubernetes.io/allow-volume-mode-change=true.',
  },
  NoClassOfSnapshotDriver: {
    next: 'waits',
    meaning:
      "The data has to be read from a volume that the snapshot's own driver makes, and no StorageClass has that driver.",
    help: 'Create a StorageClass with that provisioner.',
  },
  RepositorySecretInvalid: {
    next: 'waits',
    meaning:
      'The VolumeSnapshotContent names no Secret of its repository, or one of another namespace than that of the snapshot.',
    help: 'Correct the VolumeSnapshotClass and take the snapshot anew: docs/snapshots.md.',
  },
  RepositoryOutOfReach: {
    next: 'waits',
    meaning:
      'The repository of the snapshot is in a claim of another namespace than that in which it is to be restored.',
    help: "Restore in the snapshot's own namespace, or keep the repository in an object store.",
  },
} as const;

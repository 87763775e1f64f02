/** What goes wrong when a repository is worked on, or a snapshot's data are copied and compared: a part of the vocabulary in reasons.ts. */
export const repositoryReasons = {
  CaptureNotFound: {
    next: 'stops',
    meaning: 'The repository holds no complete capture of that snapshot.',
    help: 'Is it the repository that the snapshot was taken into?',
  },
  PathNotInSnapshot: {
    next: 'stops',
    meaning: 'The path of the restore is no directory of the snapshot.',
    help: 'Correct spec.path; links are not followed.',
  },
  VolumeModeMismatch: {
    next: 'stops',
    meaning: 'The snapshot is of a file system and the claim is for a block device, or the other way round.',
    help: 'Recreate the claim with the volumeMode of the source.',
  },
  DataMismatch: {
    next: 'retries',
    meaning:
      'What was written, read again, is not what the manifest of the snapshot says. The claim is not bound to it.',
    help: 'The message names the first files. If it stays: the volume, or the repository, is damaged.',
  },
  ManifestDamaged: {
    next: 'retries',
    meaning: 'The manifest of the snapshot is not whole.',
    help: 'Check the repository (restic check --read-data).',
  },
  CopyFailed: {
    next: 'retries',
    meaning: 'Copying from one volume to the other failed.',
    help: 'The message is of rsync.',
  },
  SourceUnreadable: {
    next: 'retries',
    meaning: 'A file of the volume that is captured or copied cannot be read.',
    help: 'The message names it. Files of other owners need the profile privileged-data.',
  },
  AttributesUnreadable: {
    next: 'retries',
    meaning: 'Extended attributes or ACLs cannot be read.',
    help: 'The message is of getfattr.',
  },
  ProgramMissing: {
    next: 'retries',
    meaning: 'A program that the work needs is not in the image, or restic is older than 0.17.',
    help: "Use Volprime's image.",
  },
  RepositoryNotFound: {
    next: 'stops',
    meaning: 'There is no repository at the address of the Secret.',
    help: 'Correct the key "repository". A capture makes a repository that is missing; a restore does not.',
  },
  RepositoryPasswordWrong: {
    next: 'stops',
    meaning: 'The password does not open the repository.',
    help: 'Correct the key "password" of the Secret.',
  },
  RepositoryDenied: {
    next: 'stops',
    meaning: "The repository's server refuses the credentials.",
    help: "Correct the keys of the Secret that are named after restic's environment variables.",
  },
  RepositoryHostUnknown: {
    next: 'stops',
    meaning: "The server of an sftp repository shows a host key that the Secret's known_hosts does not have.",
    help: 'If the server was given a new key, correct the key "known_hosts" (ssh-keyscan, compared with the server\'s own word).',
  },
  RepositoryUnreachable: {
    next: 'retries',
    meaning: "The repository's server does not answer.",
    help: 'Check that pods of the namespace can reach it.',
  },
  RepositoryLocked: {
    next: 'retries',
    meaning: 'Other work has locked the repository, or a lock of a dead pod is not half an hour old.',
    help: '',
  },
  RepositoryFull: {
    next: 'retries',
    meaning: 'The repository has no room left.',
    help: 'Make room, or delete snapshots.',
  },
  RepositoryDamaged: {
    next: 'retries',
    meaning: 'The repository lacks data or has other data than it should.',
    help: 'See restic check --read-data, and restic repair.',
  },
  RepositoryFailed: { next: 'retries', meaning: 'restic failed.', help: "The message is restic's." },
} as const;

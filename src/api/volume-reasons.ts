/** Reasons about volumes: those that may belong to others, the classes that make them, and those that are refused or lost. */
export const volumeReasons = {
  ClassReadsClaim: {
    next: 'waits',
    meaning:
      'A parameter of the class reads namespace, name, labels or annotations of the claim, and the provisioner sees those of the temporary claim. No volume is made.',
    help: 'The message names parameter and field. See docs/any-provisioner.md, "Classes that read the claim".',
  },
  ClassSharesDirectory: {
    next: 'waits',
    meaning: 'The class gives all its volumes one directory. No volume is made.',
    help: 'Let the parameter name the volume (${pv.metadata.name}, {{ .PVName }}), or annotate the class with volprime.dev/volumes-may-hold-content=true.',
  },
  VolumeShared: {
    next: 'waits',
    meaning:
      'Another PersistentVolume has the same storage as the new volume. Nothing is written to it and nothing removed; the volume is kept.',
    help: 'The message names the other volume. Correct the class, then delete and recreate the claim.',
  },
  VolumeRefused: {
    next: 'stops',
    meaning:
      'The provisioned volume does not satisfy the claim (access mode, volume mode, size, attributes), or Kubernetes does not bind it.',
    help: 'See the events of claim and volume; use a class whose volumes fit.',
  },
  VolumeLost: { next: 'retries', meaning: 'The populated volume was lost before the claim could have it.', help: '' },
  PrimeLost: {
    next: 'retries',
    meaning: 'The temporary claim or its volume was deleted during the work.',
    help: 'Leave claims named volprime-<uid> alone.',
  },
  VolumeKept: {
    next: 'done',
    meaning:
      'A volume that no pod found empty was not handed over. It is not known to be only of this population, so its PersistentVolume stays, Released, under the policy Retain.',
    help: 'Look at it; if its content is not needed, delete the PersistentVolume and its storage.',
  },
} as const;

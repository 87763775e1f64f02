/**
 * `VolumeSnapshot`, `VolumeSnapshotContent` and `VolumeSnapshotClass` (snapshot.storage.k8s.io/v1) as kubernetes-csi/external-snapshotter defines
 * them: their CRDs and the controller that ties them together come from upstream and are never redefined here.
 */
import type { KubeObject, ObjectReference, VolumeMode } from './objects.ts';
import type { Resource } from './resources.ts';

export const SNAPSHOT_GROUP = 'snapshot.storage.k8s.io';

/** The driver whose contents Volprime serves, in the place that a csi-snapshotter has for a CSI driver. No CSIDriver object has this name. */
export const SNAPSHOT_DRIVER = 'snapshot.volprime.dev';

/** On a content, by the snapshot controller; the one who serves the driver removes it when the content may go. */
export const CONTENT_FINALIZER = 'snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection';
/** On a content, by the one who serves the driver: a capture was begun and its outcome is not known. Blocks deletion. */
export const ANNOTATION_BEING_CREATED = 'snapshot.storage.kubernetes.io/volumesnapshot-being-created';
/** On a content, by the snapshot controller: its VolumeSnapshot is being deleted, whatever the policy. */
export const ANNOTATION_BEING_DELETED = 'snapshot.storage.kubernetes.io/volumesnapshot-being-deleted';
/** On a content, by the snapshot controller from the class's `csi.storage.k8s.io/snapshotter-secret-*`: credentials to create and delete with. */
export const ANNOTATION_SECRET_NAME = 'snapshot.storage.kubernetes.io/deletion-secret-name';
export const ANNOTATION_SECRET_NAMESPACE = 'snapshot.storage.kubernetes.io/deletion-secret-namespace';
/** On a content, by its owner: a boolean; "true" lets a restore have another volume mode than the source had. */
export const ANNOTATION_ALLOW_MODE_CHANGE = 'snapshot.storage.kubernetes.io/allow-volume-mode-change';
/** On a content that is a member of a group: never created alone. */
export const ANNOTATION_GROUP_HANDLE = 'groupsnapshot.storage.k8s.io/volumeGroupSnapshotHandle';

/**
 * Of Volprime, on a content of ours: the record of its capture (see src/snapshot/record.ts), written before the capture is begun. Who made
 * a content by hand leaves it out; without it a content that has a handle is an import.
 */
export const ANNOTATION_CAPTURE = 'volprime.dev/capture';
/** Of Volprime, on content and VolumeSnapshot that a VolumeCapture has made: its UID. */
/** Of Volprime, on that content: the name of the VolumeCapture, in the namespace of the VolumeSnapshot. */
export const ANNOTATION_VOLUME_CAPTURE_NAME = 'volprime.dev/volume-capture-name';
/** Of Volprime, on a content of ours: how far the capture is, for a person. */
export const ANNOTATION_CAPTURE_PROGRESS = 'volprime.dev/capture-progress';
/** On a content of ours: the claim that holds the repository, in the namespace of the VolumeSnapshot; kept since the class may go. */
export const ANNOTATION_REPOSITORY_CLAIM = 'volprime.dev/repository-claim';
/** The class's parameter of that. */
export const PARAMETER_REPOSITORY_CLAIM = 'repositoryClaim';

/** `message` is shown to whoever may read the snapshot. */
export interface SnapshotError {
  readonly time?: string;
  readonly message?: string;
}

/** A user's wish, and what became of it. Exactly one member of `source` is set. */
export interface VolumeSnapshot extends KubeObject {
  readonly spec: {
    readonly source: {
      readonly persistentVolumeClaimName?: string;
      readonly volumeSnapshotContentName?: string;
    };
    readonly volumeSnapshotClassName?: string;
  };
  readonly status?: {
    readonly boundVolumeSnapshotContentName?: string;
    readonly creationTime?: string;
    readonly readyToUse?: boolean;
    /** A quantity; absent and "0" mean unknown. */
    readonly restoreSize?: string;
    readonly error?: SnapshotError;
  };
}

/** The snapshot itself. `source.volumeHandle`: to be made; `source.snapshotHandle`: made elsewhere, imported. */
export interface VolumeSnapshotContent extends KubeObject {
  readonly spec: {
    readonly driver: string;
    readonly deletionPolicy: 'Delete' | 'Retain';
    readonly source: { readonly volumeHandle?: string; readonly snapshotHandle?: string };
    readonly sourceVolumeMode?: VolumeMode;
    readonly volumeSnapshotClassName?: string;
    /** Without a uid: not bound yet. */
    readonly volumeSnapshotRef: ObjectReference;
  };
  readonly status?: {
    readonly snapshotHandle?: string;
    /** Nanoseconds since 1970 as an int64: beyond what a number holds, so only to be looked at, never to be written back. */
    readonly creationTime?: number;
    readonly readyToUse?: boolean;
    /** Bytes; absent and 0 mean unknown. */
    readonly restoreSize?: number;
    readonly error?: SnapshotError;
  };
}

export interface VolumeSnapshotClass extends KubeObject {
  readonly driver: string;
  readonly deletionPolicy: 'Delete' | 'Retain';
  readonly parameters?: Readonly<Record<string, string>>;
}

export const volumeSnapshots: Resource<VolumeSnapshot> = {
  group: SNAPSHOT_GROUP,
  version: 'v1',
  kind: 'VolumeSnapshot',
  plural: 'volumesnapshots',
  namespaced: true,
};
export const volumeSnapshotContents: Resource<VolumeSnapshotContent> = {
  group: SNAPSHOT_GROUP,
  version: 'v1',
  kind: 'VolumeSnapshotContent',
  plural: 'volumesnapshotcontents',
  namespaced: false,
};
export const volumeSnapshotClasses: Resource<VolumeSnapshotClass> = {
  group: SNAPSHOT_GROUP,
  version: 'v1',
  kind: 'VolumeSnapshotClass',
  plural: 'volumesnapshotclasses',
  namespaced: false,
};

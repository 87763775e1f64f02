/**
 * The parts of Kubernetes objects that Volprime reads and writes, as they stand on the wire (dates are RFC 3339 strings).
 * One shape for list, watch and single-object answers. The API server has already validated what arrives in these types.
 */

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** An entry of `metadata.managedFields`: a writer, by the name that it gave or its user agent, and which members it wrote last. */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: 'Apply' | 'Update';
  readonly subresource?: string;
  readonly time?: string;
  /** A tree: `{"f:status": {"f:readyToUse": {}}}`. */
  readonly fieldsV1?: unknown;
}

/** Metadata of an object that the API server has stored: uid and resourceVersion are always there. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  /** Of objects in a cache only what somebody has asked to be kept. */
  readonly managedFields?: readonly ManagedFields[];
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** What a create call sends: no uid, no resourceVersion yet. */
export interface NewObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly OwnerReference[];
  };
  readonly [field: string]: unknown;
}

export interface ObjectReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** metav1.Condition, with the members that API conventions make mandatory. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

export interface DataSourceRef {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

export type VolumeMode = 'Filesystem' | 'Block';
export type AccessMode = 'ReadWriteOnce' | 'ReadOnlyMany' | 'ReadWriteMany' | 'ReadWriteOncePod';

/** v1 PersistentVolumeClaim. */
export interface Claim extends KubeObject {
  readonly spec: {
    readonly accessModes?: readonly AccessMode[];
    readonly resources?: {
      readonly requests?: { readonly storage?: string };
      readonly limits?: { readonly storage?: string };
    };
    readonly storageClassName?: string;
    readonly volumeMode?: VolumeMode;
    readonly volumeName?: string;
    readonly volumeAttributesClassName?: string;
    readonly selector?: unknown;
    readonly dataSource?: DataSourceRef;
    readonly dataSourceRef?: DataSourceRef;
  };
  readonly status?: {
    readonly phase?: 'Pending' | 'Bound' | 'Lost';
    readonly capacity?: { readonly storage?: string };
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

/** v1 PersistentVolume. */
export interface Volume extends KubeObject {
  readonly spec: {
    readonly accessModes?: readonly AccessMode[];
    readonly capacity?: { readonly storage?: string };
    readonly claimRef?: ObjectReference;
    readonly persistentVolumeReclaimPolicy?: 'Retain' | 'Delete' | 'Recycle';
    readonly storageClassName?: string;
    readonly volumeMode?: VolumeMode;
    readonly volumeAttributesClassName?: string;
    readonly hostPath?: { readonly path: string };
    readonly local?: { readonly path: string };
    readonly nfs?: { readonly server: string; readonly path: string };
    readonly csi?: {
      readonly driver: string;
      readonly volumeHandle: string;
      readonly volumeAttributes?: Readonly<Record<string, string>>;
      readonly nodePublishSecretRef?: { readonly name?: string; readonly namespace?: string };
    };
  };
  readonly status?: {
    readonly phase?: 'Pending' | 'Available' | 'Bound' | 'Released' | 'Failed';
    readonly message?: string;
    readonly lastPhaseTransitionTime?: string;
  };
}

/** storage.k8s.io/v1 StorageClass. */
export interface StorageClass extends KubeObject {
  readonly provisioner: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly reclaimPolicy?: 'Retain' | 'Delete';
  readonly volumeBindingMode?: 'Immediate' | 'WaitForFirstConsumer';
  readonly allowVolumeExpansion?: boolean;
  readonly allowedTopologies?: readonly unknown[];
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: {
    readonly exitCode: number;
    readonly signal?: number;
    readonly reason?: string;
    readonly message?: string;
    readonly startedAt?: string;
    readonly finishedAt?: string;
  };
}

export interface Toleration {
  readonly key?: string;
  readonly operator?: 'Exists' | 'Equal' | 'Lt' | 'Gt';
  readonly value?: string;
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  readonly tolerationSeconds?: number;
}

/** v1 Pod. Of our own the spec is read back for its node, and for what it needs to start; of others, for what they use and tolerate. */
export interface Pod extends KubeObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly containers?: readonly { readonly name: string }[];
    readonly volumes?: readonly {
      readonly name?: string;
      readonly persistentVolumeClaim?: { readonly claimName: string };
      readonly secret?: { readonly secretName?: string; readonly optional?: boolean };
      readonly configMap?: { readonly name?: string; readonly optional?: boolean };
    }[];
    readonly tolerations?: readonly Toleration[];
    readonly activeDeadlineSeconds?: number;
  };
  readonly status?: {
    readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    readonly reason?: string;
    readonly message?: string;
    readonly startTime?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly state?: ContainerState;
      readonly restartCount?: number;
    }[];
    readonly initContainerStatuses?: readonly { readonly name: string; readonly state?: ContainerState }[];
  };
}

/** coordination.k8s.io/v1 Lease. */
export interface Lease extends KubeObject {
  readonly spec: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

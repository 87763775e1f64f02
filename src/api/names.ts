/** Every name that Volprime writes into the cluster, in one place. */

export const GROUP = 'volprime.dev';
export const PROVIDER_GROUP = 'provider.example.com';

/** Provisioner of wrapper classes: nobody provisions for it, the prime uses the class that the wrapper names. */
export const WRAPPER_PROVISIONER = 'volprime.dev/populate';

/** On the user's claim, from before anything is created until everything of ours is gone. */
export const CLAIM_FINALIZER = 'volprime.dev/populate-target-protection';
/** On what we create (Population, prime, populator pod): cleanup keeps its memory under foreground and namespace deletion. */
export const PROTECTION_FINALIZER = 'volprime.dev/protection';

/** On a VolumeSnapshot, as long as a restore of it is under way, whichever: taken away when no living Population tells of one. */
export const SNAPSHOT_FINALIZER = 'volprime.dev/snapshot-restore-protection';
/** On the claim that a VolumeCapture is taken of, while it is: upstream's own protection covers dynamic snapshots alone. */
export const CAPTURE_SOURCE_FINALIZER = 'volprime.dev/capture-source-protection';

export const LABEL_MANAGED_BY = 'app.kubernetes.io/managed-by';
export const MANAGED_BY = 'volprime';
export const LABEL_CLAIM_UID = 'volprime.dev/claim-uid';
export const LABEL_ROLE = 'volprime.dev/role';
/** Velero and OADP leave objects with this label out of a backup. */
export const LABEL_BACKUP_EXCLUSION = 'velero.io/exclude-from-backup';

/** Of a namespace: the Pod Security level that its pods must satisfy. */
export const LABEL_POD_SECURITY = 'pod-security.kubernetes.io/enforce';

/** On the prime of a claim whose source is in another namespace: that source as pinned. The record, in the claim's namespace, must not show its spec. */
export const ANNOTATION_PINNED_SOURCE = 'volprime.dev/pinned-source';
export const ANNOTATION_SELECTED_NODE = 'volume.kubernetes.io/selected-node';
/** On a claim, by the PV controller: the provisioner of its class. */
export const ANNOTATION_PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
export const ANNOTATION_BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';

/** The same by its earlier name. */
export const ANNOTATION_PROVISIONER_BETA = 'volume.beta.kubernetes.io/storage-provisioner';

/** On a VolumeSnapshot: the class of the volume that is made from it to be read, where none other tells. */
export const ANNOTATION_SOURCE_CLASS = 'volprime.dev/source-storage-class';

/** On the prime: the node last copied to it. Written with selected-node, so its absence there means that the provisioner gave up. */
export const ANNOTATION_LAST_NODE = 'volprime.dev/last-node';

/** On a volume under population: its own reclaim policy, suspended until the hand-over gives it back. */
export const ANNOTATION_RECLAIM_POLICY = 'volprime.dev/reclaim-policy';

/** On a StorageClass, by the operator: "true" where its volumes may come with content, which then is never removed. */
export const ANNOTATION_MAY_HOLD_CONTENT = 'volprime.dev/volumes-may-hold-content';
/** On a StorageClass, by the operator: annotations of claims, separated by commas, that its parameters read. They are copied to the prime. */
export const ANNOTATION_COPY_ANNOTATIONS = 'volprime.dev/copy-annotations';
/** On a StorageClass, by the operator: "true" where its parameters may read the name and the labels of the prime in place of the claim's. */
export const ANNOTATION_ACCEPT_PRIME_NAME = 'volprime.dev/accept-temporary-claim-name';

/** On what a capture makes beside its snapshot: the capture's key, to find it by. */
export const LABEL_SNAPSHOT_KEY = 'volprime.dev/snapshot-key';
/** On a content: what was read. `clone`: a copy that nobody writes to, made at one moment; `live`: the volume itself, which somebody may have written to. */
export const ANNOTATION_CONSISTENCY = 'volprime.dev/consistency';
/** On a content of a live capture: how many files were written to while they were read. What it holds of those is of no one moment. */
export const ANNOTATION_CHANGED_FILES = 'volprime.dev/changed-files';

/** On a populator pod: digest of what it was made from, to tell whether it would be made otherwise now. */
export const ANNOTATION_POD_HASH = 'volprime.dev/pod-hash';

/** Provenance on the final volume, written together with the swap. */
export const ANNOTATION_POPULATED_FROM = 'volprime.dev/populated-from';
export const ANNOTATION_POPULATED_BY = 'volprime.dev/population';
export const ANNOTATION_DIGEST = 'volprime.dev/digest';
export const ANNOTATION_VERIFICATION = 'volprime.dev/verification';
export const ANNOTATION_POPULATED_AT = 'volprime.dev/populated-at';

/** On a claim: "true" lets it go without the plugin's cleanup function, which a person judged not worth waiting for. */
export const ANNOTATION_SKIP_CLEANUP = 'volprime.dev/skip-cleanup';

/** Only read where the controller was started with crash points on: a test's way to name one for this claim. */
export const ANNOTATION_CRASH_AT = 'volprime.dev/crash-at';

/** The record of a claim's population and the prime share this name in the claim's namespace. */
export function populationName(claimUid: string): string {
  return `volprime-${claimUid}`;
}

export function primeName(claimUid: string): string {
  return `volprime-${claimUid}`;
}

/** What is made of a snapshot for one claim beside its prime: a name of its own for each kind of thing. */
export function snapshotAliasName(claimUid: string): string {
  return `volprime-${claimUid}`;
}

export function sourceVolumeClaimName(claimUid: string): string {
  return `volprime-${claimUid}-source`;
}

/** The content of a VolumeCapture; its VolumeSnapshot has the name that the user chose. */
export function captureContentName(captureUid: string): string {
  return `volprime-capture-${captureUid}`;
}

/** One pod name per attempt, so that two attempts can never be one object. */
export function podName(claimUid: string, attempt: number): string {
  return `volprime-${claimUid}-${attempt}`;
}

/**
 * Why a claim is not populated yet: one vocabulary. Each word is the reason of the Population's condition, of the event on the claim, and
 * the `reason` label of `volprime_population_failures_total`. docs/reference/reasons.md is made from this table.
 */

import { repositoryReasons } from './repository-reasons.ts';
import { restoreReasons } from './restore-reasons.ts';
import { sourceReasons } from './source-reasons.ts';
import { volumeReasons } from './volume-reasons.ts';

export interface ReasonDoc {
  /**
   * `waits`: goes on by itself when the world changes. `retries`: tried again with backoff, up to the plugin's limit.
   * `stops`: nothing more happens until the spec of the source changes.
   */
  readonly next: 'waits' | 'retries' | 'stops' | 'done';
  readonly meaning: string;
  /** What a person can do; empty where nothing needs doing. */
  readonly help: string;
}

export const reasons = {
  // The normal course.
  WaitingForFirstConsumer: {
    next: 'waits',
    meaning: 'The class binds when a pod that uses the claim is scheduled, and there is none yet.',
    help: 'Nothing: this is healthy. Create the pod.',
  },
  WaitingForNode: {
    next: 'waits',
    meaning: 'The provisioner could not make the volume on the chosen node; the scheduler is to choose another.',
    help: 'See the events of the pod if no node is found, and of the claim volprime-<uid> for what the provisioner says.',
  },
  Provisioning: {
    next: 'waits',
    meaning: 'The provisioner is making the volume.',
    help: 'If it lasts: see the events of the claim volprime-<uid>.',
  },
  Populating: { next: 'waits', meaning: 'The plugin is at work.', help: '' },
  Rebinding: {
    next: 'waits',
    meaning: 'The data is complete and verified; the volume is being handed to the claim.',
    help: '',
  },
  Binding: { next: 'waits', meaning: 'The volume names the claim; Kubernetes is binding them.', help: '' },
  CleaningUp: { next: 'waits', meaning: 'What was made for the claim is being removed.', help: '' },
  Populated: { next: 'done', meaning: 'The claim is bound to the populated volume.', help: '' },
  // Somebody has to do something.
  PopulatorDataSourceNotFound: {
    next: 'waits',
    meaning: 'The object that dataSourceRef names does not exist in the namespace of the claim.',
    help: 'Create it; the claim goes on within seconds.',
  },
  StorageClassNotFound: {
    next: 'waits',
    meaning: 'The StorageClass of the claim does not exist.',
    help: 'Create it, or recreate the claim with another class.',
  },
  NoStorageClass: {
    next: 'waits',
    meaning: 'The claim names no class and the cluster has no default.',
    help: 'Mark a class as default, or name one.',
  },
  StaticVolumesOnly: {
    next: 'waits',
    meaning: 'The claim asks for the class "", which never provisions.',
    help: 'Recreate the claim with a class that provisions.',
  },
  WrapperClassInvalid: {
    next: 'waits',
    meaning: 'The class is a wrapper (provisioner volprime.dev/populate) that cannot work as it is written.',
    help: 'The message says why. Delete the class and create it anew; the claim goes on by itself.',
  },
  WrapperClassMismatch: {
    next: 'waits',
    meaning:
      'A wrapper class and its target differ in a field that the wrapper should repeat. Told on the StorageClass; claims go on.',
    help: 'The message names the field and what the difference means.',
  },
  TargetClassNotFound: {
    next: 'waits',
    meaning: 'The class that the wrapper class names in its parameter targetClass does not exist.',
    help: 'Create it; the claim goes on within seconds.',
  },
  ProvisionerNotSupported: {
    next: 'waits',
    meaning: 'The class uses an in-tree provisioner.',
    help: 'Use a class of a CSI driver.',
  },
  ...volumeReasons,
  CrossNamespaceNotSupported: {
    next: 'waits',
    meaning: 'dataSourceRef names a source in another namespace, and the controller does not serve such claims.',
    help: 'Put the source into the namespace of the claim, or ask for --cross-namespace (docs/cross-namespace.md).',
  },
  ReferenceNotGranted: {
    next: 'waits',
    meaning: 'dataSourceRef names a source in another namespace, and no ReferenceGrant there allows it.',
    help: 'Ask the owner of that namespace for a ReferenceGrant; the claim goes on within seconds.',
  },
  PopulatorNamespaceNotFound: {
    next: 'retries',
    meaning: 'The namespace in which sources of other namespaces are populated does not exist.',
    help: 'For the operator of the cluster: create it (deploy/components/cross-namespace).',
  },
  ConfigMapAcrossNamespaces: {
    next: 'stops',
    meaning: 'The source is in another namespace and needs a ConfigMap, and a ConfigMap never leaves its namespace.',
    help: 'Use a source that needs none, or create source and ConfigMap in the namespace of the claim.',
  },
  SecretAcrossNamespaces: {
    next: 'stops',
    meaning: 'The source is in another namespace and needs a Secret, and a Secret never leaves its namespace.',
    help: 'Use a source that needs none, or create source and Secret in the namespace of the claim.',
  },
  NameTaken: {
    next: 'waits',
    meaning: 'An object with a name that is needed exists and was not made for this claim. It is left alone.',
    help: 'Look at it, and remove it if it is not needed.',
  },
  BoundElsewhere: {
    next: 'stops',
    meaning: 'The claim was bound to a volume that was not populated, for example a matching volume made by hand.',
    help: 'Delete and recreate the claim.',
  },
  DataSourceIgnored: {
    next: 'stops',
    meaning: 'The provisioner of the class ignored the data source: the volume that it made is empty.',
    help: 'Use a wrapper class over it: see docs/any-provisioner.md. For clones and snapshots: a class of a CSI driver.',
  },
  KindNotServed: {
    next: 'retries',
    meaning: 'The cluster does not serve Populations (any more): their CRD is missing or being deleted.',
    help: 'Apply the CRDs, or uninstall the controller too: docs/uninstall.md.',
  },
  NamespaceTerminating: { next: 'retries', meaning: 'The namespace is being deleted.', help: '' },
  Forbidden: {
    next: 'retries',
    meaning: 'The API server forbids the write: RBAC, a LimitRange, an admission policy, or Pod Security.',
    help: 'The message names the rule.',
  },
  QuotaExceeded: {
    next: 'retries',
    meaning: 'A ResourceQuota of the namespace forbids the temporary claim or the pod.',
    help: 'Raise the quota: while a claim is populated there are two claims of its size.',
  },
  PodSecurityForbidden: {
    next: 'retries',
    meaning:
      "The namespace enforces a Pod Security level that the claim's populator pods do not satisfy, or the operator's settings deny them what they need. No volume was made.",
    help: 'The message names the levels; see docs/populator-pods.md.',
  },
  Invalid: {
    next: 'retries',
    meaning: 'The API server finds an object that is to be made invalid.',
    help: 'The message names the field.',
  },
  TooLarge: {
    next: 'retries',
    meaning: "An object would be too large: usually the source's spec.",
    help: 'Make the spec smaller.',
  },
  // Attempts and pods.
  PodNotScheduled: {
    next: 'waits',
    meaning: 'No node takes the populator pod.',
    help: "The message is the scheduler's. Free a node, or change the settings of populator pods.",
  },
  ImagePullFailed: {
    next: 'waits',
    meaning: 'The image of the populator pod cannot be pulled. The node goes on trying.',
    help: 'Mend registry, credentials or name of the image; the pod needs no help. Its name changes with the configuration of controller or plugin.',
  },
  ContainerNotStarted: {
    next: 'waits',
    meaning: 'The populator pod is on its node and its container has not started.',
    help: 'See the events of the pod: often a Secret or ConfigMap is missing.',
  },
  NodeLost: {
    next: 'waits',
    meaning:
      'The node of the populator pod does not report, so nobody knows whether the pod still writes. After an out-of-service taint or the deletion of the node another attempt begins on another volume.',
    help: 'Bring the node back, or mark it with the taint node.kubernetes.io/out-of-service once it is certainly off.',
  },
  PodEvicted: {
    next: 'retries',
    meaning: 'The populator pod was evicted, preempted, drained, or its node was shut down.',
    help: '',
  },
  PodDeleted: { next: 'retries', meaning: 'Somebody deleted the populator pod while it was at work.', help: '' },
  PodRejected: {
    next: 'retries',
    meaning: 'The node refused the populator pod that the scheduler had given to it.',
    help: "The message is the node's.",
  },
  PodOutdated: {
    next: 'retries',
    meaning: 'The populator pod had not started when the controller began to run with other settings; it is made anew.',
    help: '',
  },
  PodLost: {
    next: 'retries',
    meaning:
      'The populator pod was removed by force. Its volume is thrown away, since a container may still write to it.',
    help: '',
  },
  PopulatorFailed: {
    next: 'retries',
    meaning: 'The populator container ended with an error and gave no reason.',
    help: 'See the log of the pod; it is kept until the next attempt.',
  },
  OutOfMemory: {
    next: 'retries',
    meaning: 'The populator container was killed for using more memory than its limit.',
    help: 'Raise the limit in the plugin, or in the settings of populator pods.',
  },
  DeadlineExceeded: {
    next: 'retries',
    meaning: 'The kubelet ended the populator pod at its deadline.',
    help: 'Raise activeDeadlineSeconds in the settings of populator pods if the work needs longer.',
  },
  Interrupted: { next: 'retries', meaning: 'The populator pod was told to stop.', help: '' },
  PluginError: {
    next: 'retries',
    meaning: 'A function of the plugin threw an error.',
    help: "The message is the plugin's.",
  },
  PluginTimeout: { next: 'retries', meaning: 'A function of the plugin did not answer in time.', help: '' },
  PopulateOperationFailed: { next: 'retries', meaning: 'The plugin asks to be called again later.', help: '' },
  PopulateCleanupFailed: {
    next: 'retries',
    meaning: "The plugin's cleanup function fails. After ten calls the claim is let go without it.",
    help: 'Mend what the message names, or annotate the claim with volprime.dev/skip-cleanup=true to let it go at once; then see what the plugin left behind outside of the cluster.',
  },
  InvalidPlugin: {
    next: 'stops',
    meaning: 'The definition of a plugin is wrong; the controller does not start.',
    help: 'The message names the field.',
  },
  InvalidPodSettings: {
    next: 'stops',
    meaning: "The operator's settings of populator pods are wrong; the controller does not start.",
    help: 'The message names the field.',
  },
  InvalidSource: {
    next: 'stops',
    meaning: "The source's spec is not what the plugin can use.",
    help: 'The message names the field.',
  },
  InvalidTask: {
    next: 'stops',
    meaning: 'The populator pod does not understand its task: controller and populator image do not fit.',
    help: "Use the image of the controller's version.",
  },
  Internal: { next: 'stops', meaning: 'A defect of Volprime.', help: 'Please report it.' },
  ...restoreReasons,
  ...sourceReasons,
  // download-and-extract.
  BlockVolumeNotSupported: {
    next: 'stops',
    meaning: 'The claim has volumeMode Block; an archive needs a file system.',
    help: 'Recreate the claim with volumeMode Filesystem, or say format: Raw in the Provider where the source is the image of a disk.',
  },
  RawNeedsBlockVolume: {
    next: 'stops',
    meaning: 'The source is the image of a disk (format Raw), and the claim is for a file system.',
    help: 'Recreate the claim with volumeMode Block, or say format: File to have the image as a file.',
  },
  ClaimTooSmall: {
    next: 'stops',
    meaning: 'The claim asks for less storage than limits.bytes of the source allows its content to have.',
    help: 'Recreate the claim with more storage, or lower the limit.',
  },
  SourceNotFound: { next: 'stops', meaning: 'The server answered 404 or 410.', help: 'Correct spec.sourceURL.' },
  SourceUnauthorized: {
    next: 'stops',
    meaning: 'The server answered 401 or 403.',
    help: 'Check spec.secretRef and the credentials in that Secret; then touch the spec of the source.',
  },
  ProxyUnauthorized: {
    next: 'stops',
    meaning:
      'The proxy of the download answered 407: it asks for a user name and password, or does not take those that it was sent.',
    help: 'Name the proxy in spec.proxy, and a Secret with user name and password in spec.proxySecretRef; then touch the spec of the source.',
  },
  SourceRefused: { next: 'stops', meaning: 'The server answered with another status than 200.', help: '' },
  SourceBusy: { next: 'retries', meaning: 'The server answered 429 or 503; its Retry-After is honoured.', help: '' },
  SourceUnreachable: {
    next: 'retries',
    meaning: 'No answer: name, network, time-out, or a status of 500 and up.',
    help: 'Check that pods of the namespace can reach the server.',
  },
  SourceTLSFailed: { next: 'retries', meaning: 'The TLS connection failed; the message says why.', help: '' },
  SourceStalled: { next: 'retries', meaning: 'The server stopped sending.', help: '' },
  SourceChanged: {
    next: 'retries',
    meaning: 'The connection broke, and the rest could not be had of the same version; the next attempt starts clean.',
    help: 'If it stays: the server changes the file, or does not serve parts (Range) of it.',
  },
  SourceTruncated: {
    next: 'retries',
    meaning: 'The archive ended too early: connection, Content-Length, codec or end of archive.',
    help: 'If it stays: the file at the source is incomplete.',
  },
  RedirectRefused: { next: 'stops', meaning: 'Too many redirects, or one from https to http.', help: '' },
  AddressNotAllowed: {
    next: 'stops',
    meaning:
      'The host of a source, a redirect, a proxy or a token service of a registry has no public address, and may not be dialled from here.',
    help: 'For claims whose source is in another namespace: allowedAddresses in the settings of populator pods (docs/cross-namespace.md). For a token service: list its host in the key "hosts" of the Secret.',
  },
  CredentialsInvalid: {
    next: 'stops',
    meaning:
      'The Secret lacks a key, has one that is refused, or does not allow the host ("hosts"), the proxy ("proxies") or the certificates ("ca.crt", "caBundles") that the source or repository names.',
    help: 'The message names the key and what to add.',
  },
  ChecksumMismatch: {
    next: 'stops',
    meaning: 'The digest of what was downloaded is not spec.checksum.',
    help: 'Compare the two digests in the message.',
  },
  NotAnArchive: {
    next: 'stops',
    meaning: 'What was downloaded is neither a tar archive, compressed or not, nor a zip archive.',
    help: 'Often an error page: open the URL.',
  },
  ImageNotRaw: {
    next: 'stops',
    meaning: 'What was downloaded is an image of a disk in a format of its own, such as qcow2 or vmdk.',
    help: 'Convert it (qemu-img convert -O raw), compress it with zstd or gzip, and offer that.',
  },
  ArchiveCorrupt: { next: 'stops', meaning: 'The archive is damaged.', help: '' },
  DecompressorFailed: { next: 'retries', meaning: 'The program xz or bzip2 is missing or was ended.', help: '' },
  HostileArchive: {
    next: 'stops',
    meaning: 'An entry would write outside of the volume. Nothing was written there.',
    help: 'The message names the entry. Do not trust the archive.',
  },
  UnsupportedEntry: {
    next: 'stops',
    meaning: 'An entry cannot be made in the volume, for example a device.',
    help: 'The message names the entry.',
  },
  VolumeFull: {
    next: 'stops',
    meaning: 'The volume is too small for the content.',
    help: 'Recreate the claim with more storage.',
  },
  VolumeBusy: {
    next: 'retries',
    meaning: 'Another process populates the volume, or has claimed its device.',
    help: 'Nothing, if that one ends. Else find out on the node who uses the volume.',
  },
  VolumeNotEmpty: {
    next: 'stops',
    meaning:
      'The new volume holds content that this population did not write. Nothing was written to it and nothing removed; the volume is kept, also under a class with Delete.',
    help: 'Use a class whose provisioner makes a directory of its own for each volume, or annotate the class with volprime.dev/volumes-may-hold-content=true; then recreate the claim. For the command line: --on-existing.',
  },
  InvalidTarget: { next: 'stops', meaning: 'extractPath names no directory, or the volume is no device.', help: '' },
  LimitExceeded: {
    next: 'stops',
    meaning:
      'The content goes beyond one of the limits of the source (bytes, files, ratio), or beyond a budget of steps that no honest archive needs.',
    help: 'The message names the limit. Raise it in the source if the content is to be trusted; budgets are fixed.',
  },
  VolumeNotWritable: {
    next: 'stops',
    meaning: 'The populator may not write to the volume.',
    help: 'Use a class whose driver honours fsGroup.',
  },
  VolumeWriteFailed: { next: 'retries', meaning: 'Writing to the volume failed.', help: '' },
  FlushFailed: { next: 'retries', meaning: 'The data could not be flushed to the volume.', help: '' },
  ...repositoryReasons,
} as const satisfies Readonly<Record<string, ReasonDoc>>;

export type Reason = keyof typeof reasons;

/** Plugins and pods give reasons of their own, too. */
export function isReason(word: string): word is Reason {
  return Object.hasOwn(reasons, word);
}

export { type SweepReason, sweepReasons } from './sweep-reasons.ts';

/** Normal events on the claim; lib-volume-populator's words. Warnings carry one of the reasons above. */
export const lifecycleEvents = {
  PopulatorCreated: 'The populator pod is created.',
  PopulatorFinished: 'The claim is bound to the populated volume; the note has verification, size and digest.',
} as const;

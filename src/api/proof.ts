/**
 * Whether an object in the cluster is one that Volprime made. One rule for pods, temporary claims, aliases, helpers and captures.
 *
 * Every field that a tenant may write can be copied: names, labels, annotations, and the UIDs in them, which events and `view` show. So no
 * single mark is a proof. An object is ours where all of these agree with the record that it was made for: its namespace, its exact name, its
 * controller owner reference, the UID of the record that it bears, and its age, since nothing that is older than the record was made for it.
 * Inside the namespace of a claim its tenant can still write all five; there the rule protects other namespaces and whatever existed before,
 * and the admission policies of deploy/components/guard close the rest.
 */
import type { KubeObject, OwnerReference, Volume } from './objects.ts';

/** Kinds whose objects are the record of what was made, with the annotation by which each made object names its record. */
const ANNOTATIONS = {
  Population: 'volprime.dev/population-uid',
  VolumeSnapshotContent: 'volprime.dev/content-uid',
  VolumeCapture: 'volprime.dev/volume-capture',
} as const;

export type RecordKind = keyof typeof ANNOTATIONS;

/** The annotations of the table above, for the admission policies that protect them. */
export const PROOF_ANNOTATIONS: readonly string[] = Object.values(ANNOTATIONS);

/** The record that something was made for. */
export interface RecordIdentity {
  readonly kind: RecordKind;
  readonly uid: string;
  /** `creationTimestamp`: RFC 3339, whole seconds. Undefined where the caller does not know it; the age is not compared then. */
  readonly createdAt: string | undefined;
}

/** What an object must be to be ours. */
export interface Expected {
  /** Undefined: of the cluster. */
  readonly namespace: string | undefined;
  readonly name: string;
  readonly record: RecordIdentity;
  /**
   * `none`: the owner is in another namespace, or the object has none by design, so it must have none at all. `any`: it is made to stay, and its
   * user may give it an owner.
   */
  readonly owner: ExpectedOwner | 'none' | 'any';
  /** UID of the object itself, where the record holds it: the API server's own word, which no copy has. */
  readonly recordedUid?: string | undefined;
}

export interface ExpectedOwner {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  /** It is being deleted: with the policy Orphan, the garbage collector takes the reference away before the owner goes. */
  readonly leaving?: boolean;
}

/** What an object that is made for this record bears. */
export function proofFor({ kind, uid }: Pick<RecordIdentity, 'kind' | 'uid'>): Readonly<Record<string, string>> {
  return { [ANNOTATIONS[kind]]: uid };
}

/** The one test. False for undefined. */
export function isOurs(object: KubeObject | undefined, expected: Expected): boolean {
  if (object === undefined) return false;
  const { metadata } = object;
  const inPlace = metadata.name === expected.name && (metadata.namespace ?? undefined) === expected.namespace;
  if (!inPlace) return false;
  if (expected.recordedUid !== undefined && metadata.uid === expected.recordedUid) return true;
  const { record, owner } = expected;
  return (
    metadata.annotations?.[ANNOTATIONS[record.kind]] === record.uid &&
    isOwnedBy(metadata.ownerReferences ?? [], owner) &&
    !isOlder(metadata.creationTimestamp, record.createdAt)
  );
}

/** The UID of the record that an object names. What names a record may still be a copy: good for reports, and to look whether that record exists. */
export function namedRecord({ metadata }: KubeObject, kind: RecordKind): string | undefined {
  return metadata.annotations?.[ANNOTATIONS[kind]];
}

/**
 * Whether a provisioner made the volume for this very claim: it names the claim's UID, was provisioned dynamically, and is not older than the
 * claim. A volume that existed before (created by an administrator, or bound to the claim by name) is somebody's data.
 */
export function isProvisionedFor(volume: Volume, claim: KubeObject): boolean {
  return (
    volume.spec.claimRef?.uid === claim.metadata.uid &&
    volume.metadata.annotations?.[ANNOTATION_PROVISIONED_BY] !== undefined &&
    !isOlder(volume.metadata.creationTimestamp, claim.metadata.creationTimestamp)
  );
}

/** By the provisioner, on each volume that it makes (sig-storage-lib-external-provisioner). */
export const ANNOTATION_PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';

function isOwnedBy(references: readonly OwnerReference[], owner: Expected['owner']): boolean {
  if (owner === 'any') return true;
  if (owner === 'none') return references.length === 0;
  if (references.length === 0) return owner.leaving === true;
  return references.some(
    ({ controller, kind, name, uid }) =>
      controller === true && kind === owner.kind && name === owner.name && uid === owner.uid,
  );
}

/** Timestamps have whole seconds, and each of several API servers has a clock of its own. */
const CLOCK_SKEW_MS = 5_000;

function isOlder(created: string, than: string | undefined): boolean {
  return than !== undefined && Date.parse(created) < Date.parse(than) - CLOCK_SKEW_MS;
}

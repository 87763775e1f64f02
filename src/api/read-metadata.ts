/**
 * What is read of the annotations and labels of objects that tenants write. Caches keep these of every object, and the others only where all of them
 * together are small (informer/transform.ts): who needs another one of a claim of any size adds it here, or reads the claim live.
 */
import {
  ANNOTATION_BIND_COMPLETED,
  ANNOTATION_CRASH_AT,
  ANNOTATION_LAST_NODE,
  ANNOTATION_PINNED_SOURCE,
  ANNOTATION_POD_HASH,
  ANNOTATION_PROVISIONER,
  ANNOTATION_PROVISIONER_BETA,
  ANNOTATION_SELECTED_NODE,
  ANNOTATION_SKIP_CLEANUP,
  ANNOTATION_SOURCE_CLASS,
  LABEL_BACKUP_EXCLUSION,
  LABEL_CLAIM_UID,
  LABEL_MANAGED_BY,
  LABEL_ROLE,
  LABEL_SNAPSHOT_KEY,
} from './names.ts';
import { PROOF_ANNOTATIONS } from './proof.ts';

/** What proves and what places first: of too many bytes the last are dropped. */
export const READ_ANNOTATIONS: readonly string[] = [
  ...PROOF_ANNOTATIONS,
  ANNOTATION_BIND_COMPLETED,
  ANNOTATION_SELECTED_NODE,
  ANNOTATION_LAST_NODE,
  ANNOTATION_SKIP_CLEANUP,
  ANNOTATION_POD_HASH,
  ANNOTATION_PROVISIONER,
  ANNOTATION_PROVISIONER_BETA,
  ANNOTATION_SOURCE_CLASS,
  ANNOTATION_CRASH_AT,
  ANNOTATION_PINNED_SOURCE,
];

export const READ_LABELS: readonly string[] = [
  LABEL_MANAGED_BY,
  LABEL_CLAIM_UID,
  LABEL_ROLE,
  LABEL_SNAPSHOT_KEY,
  LABEL_BACKUP_EXCLUSION,
];

/** Annotations of Volprime that its users write. All others of its group are the controller's own: see scripts/guard. */
import { ANNOTATION_SKIP_CLEANUP, ANNOTATION_SOURCE_CLASS } from './names.ts';
import { ANNOTATION_REPOSITORY_CLAIM } from './snapshots.ts';

export const USER_KEYS: readonly string[] = [
  ANNOTATION_SKIP_CLEANUP,
  ANNOTATION_SOURCE_CLASS,
  ANNOTATION_REPOSITORY_CLAIM,
];

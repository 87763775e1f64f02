import type { SnapshotSubject } from './snapshot-subject.ts';
import type { SnapshotTrial } from './snapshot-trial.ts';

/** One promise of a snapshot plugin. */
export interface SnapshotRule {
  readonly name: string;
  /** Why it cannot be tried, in words for the author; absent where it always can. */
  readonly skip?: (subject: SnapshotSubject) => string | undefined;
  /** What is wrong, in words for the author. An error that is thrown is wrong, too. Each trial is a snapshot of its own. */
  readonly check: (trial: SnapshotTrial) => Promise<readonly string[]>;
}

/** The code of an error, also of another copy of this package. */
export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

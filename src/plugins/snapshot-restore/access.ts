import type { Marks } from '../../sdk/index.ts';
import type { LiveAccess } from '../live-access.ts';

/** What is needed to make, and to remove, what one restore has beside its prime. */
export interface Access {
  readonly live: LiveAccess;
  readonly marks: Marks;
  readonly claimUid: string;
  /** Namespace of the prime. */
  readonly home: string;
  readonly signal: AbortSignal;
}

/** What a sweep finds: one object that nobody seems to look after, and what is to be done about it. */
import type { KubeObject } from '../../api/objects.ts';
import type { SweepReason } from '../../api/reasons.ts';

export const findingKinds = ['Claim', 'Population', 'Prime', 'Pod', 'Volume'] as const;
export type FindingKind = (typeof findingKinds)[number];

/**
 * `resume`: proven to be ours and known to a record: the ordinary reconcile takes it from here. `release`: our finalizer is taken off an
 * object that is being deleted and that no record knows. `reclaim`: a volume that a record names as thrown away gets the policy Delete.
 * `delete`: a record that has done its work. `report`: only a name, a label or an annotation says that it is ours: it is told, never touched.
 */
export const findingActions = ['resume', 'release', 'reclaim', 'delete', 'report'] as const;
export type FindingAction = (typeof findingActions)[number];

export interface Finding<K extends FindingKind = FindingKind> {
  readonly kind: K;
  readonly action: FindingAction;
  readonly reason: SweepReason;
  /** Why it is one and what a person can do, in a sentence each. */
  readonly message: string;
  readonly object: KubeObject;
  /** The claim that it was made for, as far as it says so. */
  readonly claimUid: string | undefined;
}

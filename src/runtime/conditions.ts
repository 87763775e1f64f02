/** metav1.Condition lists, changed without being mutated. */
import type { Condition } from '../api/objects.ts';
import { visible } from '../visible.ts';

/** `lastTransitionTime` is not given: it moves only when the status does. */
export type ConditionUpdate = Omit<Condition, 'lastTransitionTime'>;

export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** The list with `update` in it, its message made visible; the very same list when nothing changed, so that a caller can skip the write. */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  given: ConditionUpdate,
  nowMs: number,
): readonly Condition[] {
  const update = { ...given, message: visible(given.message) };
  const known = conditionOf(conditions, update.type);
  if (conditions !== undefined && known !== undefined && saysTheSame(known, update)) return conditions;
  const lastTransitionTime = known?.status === update.status ? known.lastTransitionTime : rfc3339(nowMs);
  const next: Condition = { ...update, lastTransitionTime };
  if (known === undefined) return [...(conditions ?? []), next];
  return (conditions ?? []).map((condition) => (condition === known ? next : condition));
}

function saysTheSame(known: Condition, update: ConditionUpdate): boolean {
  return (
    known.status === update.status &&
    known.reason === update.reason &&
    known.message === update.message &&
    known.observedGeneration === update.observedGeneration
  );
}

/** metav1.Time has whole seconds. */
function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

import { providerSpecSchema, type Provider } from '../api/provider.ts';
import type { Condition } from '../api/objects.ts';
import { setCondition } from '../runtime/index.ts';

/** Characters. A list may have as many faults as members. */
const MESSAGE_LIMIT = 4_000;

/**
 * The conditions that a Provider should have. Pure.
 *
 * Ready says that the spec can be used, not that the source answers: the controller never dials a source, the populator pod does.
 */
export function decideConditions(provider: Provider, now: number): readonly Condition[] {
  const known = provider.status?.conditions as readonly Condition[] | undefined;
  const observedGeneration = provider.metadata.generation ?? 0;
  const parsed = providerSpecSchema.safeParse(provider.spec);
  if (parsed.success) {
    const ready = {
      type: 'Ready',
      status: 'True',
      reason: 'Accepted',
      message: 'the spec is valid; claims can name this source',
      observedGeneration,
    } as const;
    return setCondition(
      known?.filter((condition) => condition.type !== 'Stalled'),
      ready,
      now,
    );
  }
  const message = parsed.error.issues
    .map(({ path, message: words }) => `${['spec', ...path].join('.')}: ${words}`)
    .join('; ')
    .slice(0, MESSAGE_LIMIT);
  const word = { reason: 'InvalidSpec', message, observedGeneration } as const;
  return setCondition(
    setCondition(known, { type: 'Ready', status: 'False', ...word }, now),
    { type: 'Stalled', status: 'True', ...word },
    now,
  );
}

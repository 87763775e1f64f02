/**
 * A source that was changed or deleted after it was pinned, and whose spec nothing else holds: it was too large for the record (pinned-source.ts).
 * What runs on the old spec may end; nothing begins on it, and nothing of it stays where the new spec is used. Pure.
 */
import { hasStarted } from '../pods/index.ts';
import type { Action } from './action.ts';
import { failureAction } from './failure.ts';
import { attemptOf, isDeleting, isTerminal, needsAttempt } from './facts.ts';
import type { PinnedSource } from '../api/population.ts';
import type { Observation } from './observation.ts';
import { discardPrime } from './tear-down.ts';

/** The pin without its spec, where the attempt can be brought to its end without: its pod has its task, or the result is recorded. */
export function finishable(o: Observation): PinnedSource | undefined {
  const pinned = o.population?.spec.pinned;
  if (o.population?.status?.result !== undefined) return pinned;
  if (o.plugin?.path !== 'pod' || needsAttempt(o)) return undefined;
  const pod = o.pods.find(({ attempt }) => attempt === attemptOf(o))?.pod;
  const runs = pod !== undefined && (isTerminal(pod) || (hasStarted(pod) && !isDeleting(pod)));
  return runs ? pinned : undefined;
}

/** Gives up what was begun on the old spec, volume included; undefined when nothing of it is left. */
export function startOver(o: Observation, now: number): Action | undefined {
  if (o.prime === undefined && o.pods.length === 0) return undefined;
  const given = o.prime === undefined || o.population?.status?.discard === o.prime.metadata.uid;
  if (given) return discardPrime(o, now);
  const { kind, name } = o.population?.spec.source ?? {};
  const message = `${kind} ${name} was changed or deleted while the claim was populated, and its spec is too large to be kept; starting over with the source as it is now`;
  return failureAction(
    o,
    { reason: 'SourceSpecChanged', message, scope: 'attempt', excused: true, discardPrime: true },
    now,
  );
}

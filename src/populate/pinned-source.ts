/**
 * Where the spec of the pinned source is kept. The record lies in the claim's namespace, so it has the spec of a source of that namespace
 * only. The spec of a source elsewhere is on the prime, which then lies in the populator namespace, where no tenant looks. Pure.
 */
import { ANNOTATION_PINNED_SOURCE } from '../api/names.ts';
import type { Claim } from '../api/objects.ts';
import { type PinnedSource, type Population, pinnedSourceSchema } from '../api/population.ts';

/** What the record may hold of the source. */
export function forRecord(pinned: PinnedSource, recordNamespace: string): PinnedSource {
  if (pinned.namespace === recordNamespace) return pinned;
  const { namespace, uid, generation } = pinned;
  return { namespace, uid, generation };
}

/** What the prime holds of it: nothing where the record has it all. */
export function forPrime(pinned: PinnedSource, recordNamespace: string): Readonly<Record<string, string>> {
  if (pinned.namespace === recordNamespace) return {};
  return { [ANNOTATION_PINNED_SOURCE]: JSON.stringify(pinned) };
}

export interface Known {
  /** Namespace of the source that the claim names; undefined where the claim is gone. */
  readonly named: string | undefined;
  readonly population: Population | undefined;
  readonly prime: Claim | undefined;
  /** The source as it stands now, where the claim may use it. */
  readonly source: PinnedSource | undefined;
}

/**
 * The pinned source with its spec. For a source elsewhere: as the prime tells it, and before there is a prime as the source itself does, as long
 * as it is what the record pinned; else undefined, and it has to be pinned anew.
 */
export function pinnedSource({ named, population, prime, source }: Known): PinnedSource | undefined {
  const recorded = population?.spec.pinned;
  // A claim's reference never changes: what names another namespace was not written by us.
  if (recorded === undefined || (named !== undefined && named !== recorded.namespace)) return undefined;
  if (recorded.namespace === population?.metadata.namespace) return recorded;
  const told = prime?.metadata.annotations?.[ANNOTATION_PINNED_SOURCE];
  const onPrime = told === undefined ? undefined : parse(told);
  if (onPrime !== undefined) return onPrime;
  return source?.uid === recorded.uid && source.generation === recorded.generation ? source : undefined;
}

function parse(text: string): PinnedSource | undefined {
  try {
    return pinnedSourceSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

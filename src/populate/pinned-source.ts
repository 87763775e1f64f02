/**
 * Where the spec of the pinned source is kept. The record lies in the claim's namespace, so it has the spec of a source of that namespace
 * only. The spec of a source elsewhere is on the prime, which then lies in the populator namespace, where no tenant looks. A spec above 4 KiB is
 * in the source alone: else each claim would multiply it (decision 0037). Pure.
 */
import { ANNOTATION_PINNED_SOURCE } from '../api/names.ts';
import type { Claim } from '../api/objects.ts';
import { type PinnedSource, type Population, pinnedSourceSchema } from '../api/population.ts';
import { jsonBytes, jsonDigest, MAX_RECORDED_SOURCE_BYTES } from '../api/source-size.ts';

/** What the record may hold of the source. The digest of a spec that is not for its readers would let them try what it is. */
export function forRecord(pinned: PinnedSource, recordNamespace: string): PinnedSource {
  if (pinned.namespace === recordNamespace) return withoutLargeSpec(pinned);
  const { namespace, uid, generation } = pinned;
  return { namespace, uid, generation };
}

/** A record for each claim, or a prime: of a large spec they have the digest, and the spec is the source's own as long as that has not changed. */
function withoutLargeSpec(pinned: PinnedSource): PinnedSource {
  const { spec, ...pin } = pinned;
  if (spec === undefined) return pinned;
  const small = jsonBytes(spec) <= MAX_RECORDED_SOURCE_BYTES;
  return { ...pin, digest: jsonDigest(spec), ...(small && { spec }) };
}

/** What the prime holds of it: nothing where the record has it all. */
export function forPrime(pinned: PinnedSource, recordNamespace: string): Readonly<Record<string, string>> {
  if (pinned.namespace === recordNamespace) return {};
  return { [ANNOTATION_PINNED_SOURCE]: JSON.stringify(withoutLargeSpec(pinned)) };
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
 * The pinned source with its spec. A large spec, and before there is a prime that of a source elsewhere, is the source's own, as long as it is
 * what was pinned; else undefined, and it has to be pinned anew.
 */
export function pinnedSource({ named, population, prime, source }: Known): PinnedSource | undefined {
  const recorded = population?.spec.pinned;
  // A claim's reference never changes: what names another namespace was not written by us.
  if (recorded === undefined || (named !== undefined && named !== recorded.namespace)) return undefined;
  if (recorded.namespace === population?.metadata.namespace) return withSpec(recorded, source);
  const told = prime?.metadata.annotations?.[ANNOTATION_PINNED_SOURCE];
  const onPrime = told === undefined ? undefined : parse(told);
  return withSpec(onPrime ?? recorded, source);
}

function withSpec(pin: PinnedSource, source: PinnedSource | undefined): PinnedSource | undefined {
  if (pin.spec !== undefined) return pin;
  const same = source?.uid === pin.uid && source.generation === pin.generation;
  return same && (pin.digest === undefined || pin.digest === jsonDigest(source.spec)) ? source : undefined;
}

function parse(text: string): PinnedSource | undefined {
  try {
    return pinnedSourceSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

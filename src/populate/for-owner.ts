/** What the owner of a claim may read of data that is another namespace's. The one place where text from elsewhere becomes text for a claim. Pure. */
import { hasForeign, ownWords, type Text, unwrap } from '../api/foreign.ts';
import type { PopulationResult } from '../api/population.ts';
import { isReason, type ReasonDoc, reasons } from '../api/reasons.ts';
import type { Observation } from './observation.ts';

interface Said {
  readonly reason: string;
  readonly message: Text;
}

/** The same as plain text for one reader. */
export type Told<W extends Said> = Omit<W, 'message'> & { readonly message: string };

type Whose = Pick<Observation, 'dataElsewhere'>;

const ELSEWHERE = 'Details are for the owner of the source, in the events on it.';

/**
 * Texts of plugins, pods and servers may quote whatever they read. Where the data is another namespace's, the claim's owner reads Volprime's own words and,
 * where there are none, what the reason means in general. A reason outside of the vocabulary could carry a text as well.
 */
export function forOwner<W extends Said>(o: Whose, said: W): Told<W> {
  if (!o.dataElsewhere) return { ...said, message: unwrap(said.message) };
  const reason = isReason(said.reason) ? said.reason : 'PopulatorFailed';
  if (!hasForeign(said.message)) return { ...said, reason, message: ownWords(said.message) };
  const own = ownWords(said.message).trim();
  const { meaning }: ReasonDoc = reasons[reason];
  return { ...said, reason, message: `${own === '' ? meaning : sentence(own)} ${ELSEWHERE}` };
}

/** For the owner of the data, and for the operator's log. */
export function forSourceOwner<W extends Said>(said: W): Told<W> {
  return { ...said, message: unwrap(said.message) };
}

/** Digest and sizes are facts of the data that the claim gets; what is no digest is a text. */
export function resultForOwner(o: Whose, result: PopulationResult): PopulationResult {
  const { digest, ...facts } = result;
  if (!o.dataElsewhere || digest === undefined) return result;
  return /^[a-z0-9]{1,32}:[0-9a-fA-F]{1,200}$/.test(digest) ? result : facts;
}

function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}

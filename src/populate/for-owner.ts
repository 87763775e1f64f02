/** What the owner of a claim may read about a source that is somebody else's. Pure. */
import { type ReasonDoc, reasons } from '../api/reasons.ts';
import type { Observation } from './observation.ts';

interface Word {
  readonly reason: string;
  readonly message: string;
}

const ELSEWHERE = 'Details are for the owner of the source, in the events on it.';

/**
 * Texts of plugins, pods and servers may quote the spec of the source: of a source in another namespace, the claim's owner is told the reason and
 * what it means in general. A reason that is no plain word could carry a text too.
 */
export function forOwner<W extends Word>(o: Pick<Observation, 'access'>, word: W): W {
  if (o.access === 'own') return word;
  const table: Readonly<Record<string, ReasonDoc>> = reasons;
  const reason = /^[A-Za-z]{1,64}$/.test(word.reason) ? word.reason : 'PopulatorFailed';
  const meaning = Object.hasOwn(table, reason) ? table[reason]?.meaning : undefined;
  return { ...word, reason, message: meaning === undefined ? ELSEWHERE : `${meaning} ${ELSEWHERE}` };
}

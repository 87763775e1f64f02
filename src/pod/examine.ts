/** Looks into the volume before anything else happens, so that the controller knows whose content may be removed. */
import { type Found, type TargetState, targetStates } from '../api/populator-program.ts';
import type { Prior } from '../extract/job.ts';
import { lookInto, notEmpty } from '../extract/write/target.ts';
import { PermanentError, type VolprimeError } from '../sdk/index.ts';

export interface Target {
  readonly path: string;
  readonly kind: 'directory' | 'device';
}

/** `found`: what a look has shown; undefined where none was taken. */
export type Examination =
  | { readonly found: Found | undefined; readonly prior: Prior | undefined; readonly objection?: undefined }
  | { readonly found: Found; readonly objection: VolprimeError };

/** What a device holds says nothing: a fresh one may have the bytes of another volume. */
const UNKNOWN: Examination = { found: undefined, prior: undefined };

/** @throws PermanentError `VolumeNotWritable` where the volume cannot be read */
export function examine(targets: readonly Target[], state: TargetState): Examination {
  const directories = targets.filter(({ kind }) => kind === 'directory');
  if (directories.length === 0) return UNKNOWN;
  if (state === 'was-empty') return { found: undefined, prior: 'remains' };
  if (state === 'held-content') return { found: undefined, prior: 'foreign' };
  const names = directories.flatMap(({ path }) => lookInto(path));
  if (names.length === 0) return { found: 'empty', prior: 'empty' };
  if (state === 'may-hold-content') return { found: 'content', prior: 'foreign' };
  return { found: 'content', objection: notEmpty(names) };
}

/** @throws PermanentError `InvalidTask` */
export function parseTargetState(text: string | undefined): TargetState {
  if (text === undefined) return 'new';
  const state = targetStates.find((known) => known === text);
  if (state === undefined)
    throw new PermanentError('InvalidTask', `VOLPRIME_TARGET is ${JSON.stringify(text)}, which is not known.`);
  return state;
}

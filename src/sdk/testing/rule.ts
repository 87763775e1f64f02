import type { Plugin } from '../plugin.ts';
import type { Subject } from './subject.ts';
import type { Outcome, Trial } from './trial.ts';

/** One promise of a plugin. */
export interface Rule {
  readonly name: string;
  /** Undefined where it can be tried; else why not, in words for the author. */
  readonly skip: (plugin: Plugin, subject: Subject) => string | undefined;
  /** What is wrong, in words for the author; empty where nothing is. */
  readonly check: (trial: Trial) => Promise<readonly string[]>;
}

/** What is wrong with a call that had to succeed. */
export function failureOf(what: string, outcome: Outcome): string[] {
  if (outcome.type === 'silent') return [`${what} did not answer in time`];
  return outcome.type === 'threw' ? [`${what} threw ${wordsOf(outcome.error)}`, ...strangeError(what, outcome)] : [];
}

/** Only errors say what they mean; a string that is thrown has no stack either. */
export function strangeError(what: string, outcome: Outcome): string[] {
  if (outcome.type !== 'threw' || isError(outcome.error)) return [];
  return [
    `${what} threw something that is not an Error: throw PermanentError, TemporaryError, AttemptFailedError or another Error`,
  ];
}

/** By its members: a test runner may have more than one class of that name. */
export function isError(thrown: unknown): thrown is Error {
  if (typeof thrown !== 'object' || thrown === null || !('name' in thrown) || !('message' in thrown)) return false;
  return typeof thrown.name === 'string' && typeof thrown.message === 'string';
}

/** Whether the framework would never try again; also for errors of another copy of this package. */
export function isPermanent(error: unknown): boolean {
  const retry = isError(error) && 'retry' in error ? error.retry : undefined;
  return typeof retry === 'object' && retry !== null && 'type' in retry && retry.type === 'never';
}

export function wordsOf(error: unknown): string {
  return isError(error) ? `${error.name}: ${error.message}` : String(error);
}

/** Globs that say which entries of an archive are wanted. */
import type { Budget } from '../budget.ts';
import { Glob } from './glob.ts';
import type { ByteString } from './tar-header.ts';

/** Whether a safe name is wanted. */
export type NameFilter = (name: ByteString) => boolean;

/** What Linux takes, its NUL left out: of a name in a directory, and of a path. No file can bear a longer one, so no pattern matches it. */
const MAX_PART = 255;
const MAX_NAME = 4095;

/**
 * A pattern that matches a directory stands for all below it too. What is excluded stays out, whatever `include` says.
 * @param include empty: everything.
 * @param budget of steps for the whole job.
 * @returns a filter that throws PermanentError `LimitExceeded`.
 */
export function nameFilter(include: readonly string[], exclude: readonly string[], budget: Budget): NameFilter {
  if (include.length === 0 && exclude.length === 0) return () => true;
  const spend = (steps: number) => budget.spend(steps);
  const globOf = (patterns: readonly string[]) => new Glob(patterns.map(withoutSlashes));
  const included = include.length === 0 ? undefined : globOf(include);
  const excluded = exclude.length === 0 ? undefined : globOf(exclude);
  return (name) => {
    if (isTooLong(name)) return included === undefined;
    budget.enter(name);
    const text = decoded(name);
    return included?.matches(text, spend) !== false && excluded?.matches(text, spend) !== true;
  };
}

function isTooLong(name: ByteString): boolean {
  if (name.length <= MAX_PART) return false;
  if (name.length > MAX_NAME) return true;
  let from = 0;
  for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', from)) {
    if (slash - from > MAX_PART) return true;
    from = slash + 1;
  }
  return name.length - from > MAX_PART;
}

/** "/a", "./a" and "a/" mean the same as "a": names here are relative and have no slash at their ends. */
function withoutSlashes(pattern: string): string {
  return pattern.replace(/^(\.?\/)+/, '').replace(/(?<=.)\/+$/, '');
}

/** Patterns are text; names are too, as a rule. Bytes that are no UTF-8 become the replacement character, which wildcards match. */
function decoded(name: ByteString): string {
  return /[\u0080-\u00ff]/.test(name) ? Buffer.from(name, 'latin1').toString() : name;
}

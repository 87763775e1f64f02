/** Globs that say which entries of an archive are wanted. */
import picomatch from 'picomatch';
import type { ByteString } from './tar-header.ts';

/** "*" stops at a slash, "**" does not; names that begin with a dot are names like any other. */
const OPTIONS = { dot: true, nonegate: true, noextglob: true } as const;

/** Whether a safe name is wanted. */
export type NameFilter = (name: ByteString) => boolean;

/**
 * A pattern that matches a directory stands for all below it too. What is excluded stays out, whatever `include` says.
 * @param include empty: everything.
 */
export function nameFilter(include: readonly string[], exclude: readonly string[]): NameFilter {
  const included = include.length === 0 ? () => true : matcher(include);
  const excluded = exclude.length === 0 ? () => false : matcher(exclude);
  return (name) => {
    const text = decoded(name);
    return included(text) && !excluded(text);
  };
}

function matcher(patterns: readonly string[]): (name: string) => boolean {
  const matches = picomatch(patterns.map(withoutSlashes), OPTIONS);
  return (name) => {
    for (let end = name.length; end > 0; end = name.lastIndexOf('/', end - 1)) {
      if (matches(name.slice(0, end))) return true;
    }
    return false;
  };
}

/** "/a", "./a" and "a/" mean the same as "a": names here are relative and have no slash at their ends. */
function withoutSlashes(pattern: string): string {
  return pattern.replace(/^(\.?\/)+/, '').replace(/(?<=.)\/+$/, '');
}

/** Patterns are text; names are too, as a rule. Bytes that are no UTF-8 become the replacement character, which wildcards match. */
function decoded(name: ByteString): string {
  return /[\u0080-\u00ff]/.test(name) ? Buffer.from(name, 'latin1').toString() : name;
}

/**
 * The directory on this machine that receives the content. Somebody's files may be in it: it is looked at before anything else happens,
 * and what was there is touched only where `onExisting` says so.
 */
import { lstatSync, mkdirSync, readdirSync, realpathSync, rmdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, resolve, sep } from 'node:path';
import { PermanentError } from '../../sdk/index.ts';
import { codeOf } from '../../extract/error-code.ts';
import { cleanTarget } from '../../extract/write/target.ts';

/** As a Provider spells it. */
export const onExistingWords = ['Fail', 'Clean'] as const;
export type OnExisting = (typeof onExistingWords)[number];

export interface LocalTarget {
  readonly path: string;
  /** Leaves the target as empty as it was found, or as it was made by Clean. @returns what was done, in words. */
  undo(): string;
}

/** What a file system itself puts into its root. */
const NOT_CONTENT = new Set(['lost+found']);

/**
 * @throws PermanentError `TargetNotUsable` where it is no directory, cannot be made or must not be cleaned; `TargetNotEmpty`.
 */
export function openTarget(given: string, onExisting: OnExisting): LocalTarget {
  const { path, made } = directoryAt(resolve(given));
  if (onExisting === 'Fail') refuseContent(path);
  else refuseHome(path);
  return {
    path,
    undo: () => {
      cleanTarget(path);
      if (made === undefined) return `${path} is left empty`;
      removeMade(path, made);
      return `${path} was removed again`;
    },
  };
}

/** `made`: the topmost directory that had to be made; undefined where all was there. */
function directoryAt(path: string): { readonly path: string; readonly made: string | undefined } {
  try {
    const made = mkdirSync(path, { recursive: true });
    return { path: realpathSync(path), made };
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST' || codeOf(cause) === 'ENOTDIR') {
      throw unusable(`${path} is not a directory; name a directory with --target`, cause);
    }
    throw unusable(`the directory ${path} cannot be made (${codeOf(cause)})`, cause);
  }
}

function refuseContent(path: string): void {
  const names = readdirSync(path).filter((name) => !NOT_CONTENT.has(name));
  if (names.length === 0) return;
  const more = names.length === 1 ? '' : ` and ${names.length - 1} more`;
  throw new PermanentError(
    'TargetNotEmpty',
    `${path} is not empty (${JSON.stringify(names[0])}${more}): name an empty directory, or say --on-existing Clean to have all of it removed.`,
  );
}

/** Nobody means to lose these, whatever they said. */
function refuseHome(path: string): void {
  const inside = [homedir(), process.cwd()].find((place) => place === path || place.startsWith(withSlash(path)));
  if (inside === undefined) return;
  throw unusable(`${path} is not cleaned, since it is or holds ${inside}; name a directory of its own with --target`);
}

function withSlash(path: string): string {
  return path.endsWith(sep) ? path : `${path}${sep}`;
}

function removeMade(path: string, made: string): void {
  for (let directory = path; directory.length >= made.length; directory = dirname(directory)) {
    if (!lstatSync(directory).isDirectory()) return;
    rmdirSync(directory);
  }
}

function unusable(what: string, cause?: unknown): PermanentError {
  return new PermanentError('TargetNotUsable', `${what}.`, { cause });
}

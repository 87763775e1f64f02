/**
 * The directory on this machine that receives the content. Somebody's files may be in it: it is looked at before anything else happens,
 * and what was there is touched only where `onExisting` says so.
 */
import { lstatSync, mkdirSync, realpathSync, rmdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, resolve, sep } from 'node:path';
import type { ProviderSpec } from '../../api/provider.ts';
import { PermanentError } from '../../sdk/index.ts';
import { codeOf } from '../../extract/error-code.ts';
import { cleanTarget, foreignContent } from '../../extract/write/target.ts';

export type OnExisting = NonNullable<ProviderSpec['onExisting']>;

export interface LocalTarget {
  readonly path: string;
  readonly kind: 'directory' | 'device';
  /** Takes away what was written, where that can be told from what was there. @returns what is left, in words. */
  undo(): string;
}

/**
 * @throws PermanentError `InvalidTarget` where it is no directory or device, cannot be made or must not be cleaned; `VolumeNotEmpty`.
 */
export function openTarget(given: string, onExisting: OnExisting): LocalTarget {
  const whole = resolve(given);
  if (kindOf(whole) === 'device') return openDevice(whole, onExisting);
  const { path, made } = directoryAt(whole);
  if (onExisting === 'Fail') refuseContent(path);
  if (onExisting === 'Clean') refuseHome(path);
  return { path, kind: 'directory', undo: onExisting === 'Merge' ? () => stillThere(path) : () => empty(path, made) };
}

/** What is not there yet will be a directory. */
export function kindOf(path: string): LocalTarget['kind'] {
  return statSync(path, { throwIfNoEntry: false })?.isBlockDevice() === true ? 'device' : 'directory';
}

/** Nothing tells whether a device holds somebody's data. */
function openDevice(path: string, onExisting: OnExisting): LocalTarget {
  if (onExisting !== 'Clean') {
    throw new PermanentError(
      'VolumeNotEmpty',
      `${path} is a block device, and all that is on it would be overwritten: say --on-existing Clean if that is meant.`,
    );
  }
  return { path, kind: 'device', undo: () => `${path} holds a part of the image` };
}

function stillThere(path: string): string {
  return `what was written to ${path} so far is still there, among what was there before`;
}

function empty(path: string, made: string | undefined): string {
  cleanTarget(path);
  if (made === undefined) return `${path} is left empty`;
  removeMade(path, made);
  return `${path} was removed again`;
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
  const names = foreignContent(path);
  if (names.length === 0) return;
  const more = names.length === 1 ? '' : ` and ${names.length - 1} more`;
  throw new PermanentError(
    'VolumeNotEmpty',
    `${path} is not empty (${JSON.stringify(names[0])}${more}): name an empty directory, or say --on-existing Clean to have all of it removed, or Merge to keep it.`,
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
  return new PermanentError('InvalidTarget', `${what}.`, { cause });
}

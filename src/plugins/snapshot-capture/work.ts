/** What every work on a repository needs: the repository itself, and a directory that is gone when the work is done. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Progress } from '../../extract/progress.ts';
import { readCredentials, Repository, type RepositorySnapshot } from '../../restic/index.ts';
import type { PluginLogger } from '../../sdk/index.ts';

export interface RunOptions {
  /** Where the repository's Secret is mounted. */
  readonly repositorySecretDir: string;
  /** Where the claim is mounted that holds the repository, if one does. */
  readonly repositoryDir: string;
  readonly logger: PluginLogger;
  /** Called about once a second. */
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** Below TMPDIR; restic's cache and packs under way are there too. */
export function makeScratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'volprime-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export interface OpenOptions {
  readonly scratch: string;
  readonly absent: 'create' | 'refuse';
  /** Tags of the snapshots that are listed: all of one set. */
  readonly wanted: readonly (readonly string[])[];
}

export interface Opened {
  readonly repository: Repository;
  /** The oldest first. */
  readonly listed: readonly RepositorySnapshot[];
}

/** @throws VolprimeError of what is wrong with Secret or repository. */
export async function openRepository(
  { repositorySecretDir, repositoryDir, logger, signal }: RunOptions,
  { scratch, absent, wanted }: OpenOptions,
): Promise<Opened> {
  const credentials = readCredentials({ secretDir: repositorySecretDir, repositoryDir, scratch });
  const repository = new Repository({ credentials, scratch, logger, signal });
  return { repository, listed: await repository.open(absent, wanted) };
}

/** Both results, or the error of what failed first, once the other has stopped as well: `halt` is aborted, which must end both. */
export async function together<A, B>(halt: AbortController, first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const guarded = <T>(work: Promise<T>) =>
    work.catch((error: unknown) => {
      halt.abort(error);
      throw error;
    });
  const [a, b] = await Promise.allSettled([guarded(first), guarded(second)]);
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value];
  throw halt.signal.reason;
}

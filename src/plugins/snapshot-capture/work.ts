/** What every work on a repository needs: the repository itself, and a directory that is gone when the work is done. */
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
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
  /** PEM file of certificates that the operator trusts beside the system's. */
  readonly operatorCa?: string | undefined;
  readonly logger: PluginLogger;
  /** Called about once a second. */
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

export interface Scratch extends Disposable {
  /** Below TMPDIR; restic's cache and packs under way are there too. */
  readonly path: string;
  /** For passwords and keys, which are to leave no trace on the node's disk: in memory where this machine has such a place. */
  readonly secretsDir: string;
}

/** Every pod has it; what is in it counts as memory of the pod. */
const MEMORY = '/dev/shm';

export function makeScratch(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'volprime-'));
  const secretsDir = mkdtempSync(join(isWritable(MEMORY) ? MEMORY : path, 'volprime-'));
  const remove = (directory: string) => rmSync(directory, { recursive: true, force: true });
  return { path, secretsDir, [Symbol.dispose]: () => [path, secretsDir].forEach(remove) };
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

export interface OpenOptions {
  readonly scratch: Scratch;
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
  { repositorySecretDir, repositoryDir, operatorCa, logger, signal }: RunOptions,
  { scratch, absent, wanted }: OpenOptions,
): Promise<Opened> {
  const { path, secretsDir } = scratch;
  const credentials = readCredentials({ secretDir: repositorySecretDir, repositoryDir, secretsDir, operatorCa });
  const repository = new Repository({ credentials, scratch: path, logger, signal });
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

/** What a restore does with content of its target. */
import type { Prior } from '../../extract/job.ts';
import { refuseContent } from '../../extract/write/target.ts';
import { cleanTree } from '../../tree/index.ts';
import type { RunOptions } from '../snapshot-capture/work.ts';

export interface RestoreOptions extends RunOptions {
  /** What is known of the target's content; undefined: it is the caller's own and is removed. */
  readonly prior?: Prior | undefined;
}

/**
 * A restored volume holds the snapshot and nothing else. Only what an earlier attempt of the same restore wrote is removed.
 * @throws PermanentError `VolumeNotEmpty`, `VolumeNotWritable`
 */
export async function makeRoom(target: string, { prior, signal }: RestoreOptions): Promise<void> {
  if (prior === undefined || prior === 'remains') await cleanTree(target, signal);
  else refuseContent(target);
}

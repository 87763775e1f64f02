/** The execution half of the plugin, run by the populator pod: one task in, one result per target out. */
import type { PopulationResult } from '../../api/population.ts';
import type { Job } from '../../extract/job.ts';
import { populate } from '../../extract/populate.ts';
import type { Progress } from '../../extract/progress.ts';
import type { Timeouts } from '../../extract/source/http/client.ts';
import type { RetryPolicy } from '../../extract/source/http/retry.ts';
import { openSource } from '../../extract/source/open-source.ts';
import type { PluginLogger } from '../../sdk/index.ts';
import type { Target, Task } from './task.ts';

export interface RunOptions {
  /** Where the Secret's files are, for sources with a `secretRef`. */
  readonly credentialsDir: string;
  readonly logger: PluginLogger;
  /** Called about once a second. */
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
  readonly timeouts?: Timeouts;
  readonly retryPolicy?: RetryPolicy;
}

/**
 * A result is returned only once the target is complete, verified and flushed (see `populate`).
 *
 * @throws VolprimeError with the stable code of the stage that failed, PermanentError where no later attempt can do better.
 */
export async function runTask(task: Task, options: RunOptions): Promise<PopulationResult[]> {
  const results: PopulationResult[] = [];
  for (const target of task.targets) results.push(await runTarget(target, options));
  return results;
}

function runTarget(target: Target, options: RunOptions): Promise<PopulationResult> {
  const { logger, onProgress, signal, timeouts, retryPolicy } = options;
  const credentialsDir = target.spec.secretRef && options.credentialsDir;
  return populate(jobOf(target), {
    openSource: (layer) =>
      openSource(layer, {
        credentialsDir,
        logger,
        signal,
        ...(timeouts && { timeouts }),
        ...(retryPolicy && { retryPolicy }),
      }),
    logger,
    onProgress,
    signal,
  });
}

/** An archive may hold so many entries: each costs an inode, and the populator memory for a directory or link. */
const MAX_FILES = 10_000_000;
/** No honest archive comes near; a text of nothing but zeros does. */
const MAX_RATIO = 1000;

function jobOf({ path, spec }: Target): Job {
  return {
    target: { kind: 'directory', path, extractPath: spec.extractPath },
    layers: [
      {
        urls: [spec.sourceURL],
        checksum: spec.checksum,
        format: undefined,
        stripComponents: 0,
        include: [],
        exclude: [],
        s3: undefined,
      },
    ],
    limits: { bytes: undefined, files: MAX_FILES, ratio: MAX_RATIO, bandwidth: undefined },
    ownership: { preserve: false, uid: undefined, gid: undefined },
    modes: { files: undefined, directories: undefined },
    onExisting: 'clean',
  };
}

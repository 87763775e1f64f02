/** Runs the task of a populator pod with one target in this process. */
import { join } from 'node:path';
import type { PopulationResult } from '../../src/api/population.ts';
import { type RunOptions, runTask } from '../../src/plugins/download-and-extract/run.ts';
import { TASK_VERSION, type Target } from '../../src/plugins/download-and-extract/task.ts';
import { silent } from './silent-logger.ts';

/** @param work a directory that has, or may have, the keys of Secrets in `credentials` and `proxy-credentials`, and those of a ConfigMap in `ca`. */
export async function populateTarget(
  target: Target,
  work: string,
  options: Partial<RunOptions> = {},
): Promise<PopulationResult | undefined> {
  const [result] = await runTask(
    { version: TASK_VERSION, plugin: 'download-and-extract', attemptId: 'u-1', targets: [target] },
    {
      credentialsDir: join(work, 'credentials'),
      proxyCredentialsDir: join(work, 'proxy-credentials'),
      caBundleDir: join(work, 'ca'),
      logger: silent,
      onProgress: () => undefined,
      signal: new AbortController().signal,
      ...options,
    },
  );
  return result;
}

/** The execution half of the plugin, run by the populator pod: one task in, one result per target out. */
import { join } from 'node:path';
import type { PopulationResult } from '../../api/population.ts';
import type { Prior } from '../../extract/job.ts';
import { populate } from '../../extract/populate.ts';
import type { Progress } from '../../extract/progress.ts';
import type { AddressPolicy } from '../../extract/source/http/address-policy.ts';
import type { Timeouts } from '../../extract/source/http/client.ts';
import type { RetryPolicy } from '../../extract/source/http/retry.ts';
import { resolveLayers } from '../../extract/source/oci/resolve-layers.ts';
import { openSource } from '../../extract/source/open-source.ts';
import type { PluginLogger } from '../../sdk/index.ts';
import { jobOf } from './job-of.ts';
import type { Target, Task } from './task.ts';

export interface RunOptions {
  /** Where the Secret's files are, for sources with a `secretRef`. */
  readonly credentialsDir: string;
  /** Where the files of the proxy's Secret are, for sources with a `proxySecretRef`. */
  readonly proxyCredentialsDir: string;
  /** Where the ConfigMap's files are, for sources with a `caBundleRef`. */
  readonly caBundleDir: string;
  /** Which addresses may be dialled. Undefined: all. */
  readonly addresses?: AddressPolicy | undefined;
  /** What is known of the content of the targets; undefined: `onExisting` alone decides. */
  readonly prior?: Prior | undefined;
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

async function runTarget(target: Target, options: RunOptions): Promise<PopulationResult> {
  const { credentialsDir, proxyCredentialsDir, caBundleDir, addresses, logger } = options;
  const { onProgress, signal, timeouts, retryPolicy } = options;
  const { secretRef, caBundleRef, proxy, proxySecretRef } = target.spec;
  const job = jobOf(target, options.prior);
  const context = {
    credentialsDir: secretRef && credentialsDir,
    caBundle: caBundleRef && join(caBundleDir, caBundleRef.key),
    proxy,
    proxyCredentialsDir: proxySecretRef && proxyCredentialsDir,
    addresses,
    bandwidth: job.limits.bandwidth,
    logger,
    signal,
    ...(timeouts && { timeouts }),
    ...(retryPolicy && { retryPolicy }),
  };
  const layers = await resolveLayers(job.layers, context);
  return populate(
    { ...job, layers },
    { openSource: (layer) => openSource(layer, context), logger, onProgress, signal },
  );
}

/** Runs the job in its first argument, for what a populator pod's task does not say: `node run-job.ts JSON`. */
import { populate } from '../../src/extract/populate.ts';
import { openSource } from '../../src/extract/source/open-source.ts';
import type { Job } from '../../src/extract/job.ts';

const job: Job = JSON.parse(process.argv[2] ?? '{}');
const { signal } = new AbortController();
const logger = { debug() {}, info() {}, warn() {}, error() {} };
await populate(job, {
  openSource: (layer) => openSource(layer, { credentialsDir: undefined, logger, signal }),
  logger,
  onProgress: () => undefined,
  signal,
});

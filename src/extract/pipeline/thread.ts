/** Starts a stage in a worker thread, and says how it ended. */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { AttemptFailedError } from '../../sdk/errors.ts';
import type { StageAnswer, StageReport, StageTask } from './protocol.ts';
import { fromThrown } from './thrown.ts';

export interface StageThread extends AsyncDisposable {
  /** Undefined where the stage was stopped. Rejects with what failed in the thread, or because the thread itself did. */
  readonly ended: Promise<StageReport | undefined>;
}

/** Nothing that a stage makes lives long: a larger one would only take memory that the cache does not hold. */
const YOUNG_GENERATION_MB = 4;

export function startStage(task: StageTask): StageThread {
  const worker = new Worker(entryUrl(), {
    workerData: task,
    name: `volprime-${task.stage}`,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  const ended = new Promise<StageReport | undefined>((resolve, reject) => {
    worker.once('message', (answer: StageAnswer) => {
      if (answer.outcome === 'failed') reject(fromThrown(answer.thrown));
      else resolve(answer.outcome === 'done' ? answer.report : undefined);
    });
    worker.once('error', (cause: unknown) => reject(died(task, cause)));
    worker.once('exit', (code) => reject(died(task, new Error(`exit code ${code}`))));
  });
  return {
    ended,
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}

/** Sources and compiled files lie beside this one; in a bundle this code may be in a common chunk, and the entry where it always is. */
function entryUrl(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const beside = new URL(`./stage-thread.${extension}`, import.meta.url);
  return existsSync(beside) ? beside : new URL(`../extract/pipeline/stage-thread.${extension}`, import.meta.url);
}

function died({ stage }: StageTask, cause: unknown): AttemptFailedError {
  return new AttemptFailedError('PopulatorFailed', `The ${stage} thread ended unexpectedly (${String(cause)}).`, {
    cause,
  });
}

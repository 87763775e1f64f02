/** From the task in the environment to the report: everything that the pod does, with its surroundings passed in. */
import {
  CA_BUNDLE_DIR,
  CREDENTIALS_DIR,
  TASK_VARIABLE,
  taskSchema,
  type Task,
} from '../plugins/download-and-extract/task.ts';
import { AttemptFailedError, PermanentError, type PodReport } from '../sdk/index.ts';
import { createLog } from './log.ts';
import { failureReport } from './report.ts';

export interface PodEnvironment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Never throws: whatever goes wrong is told in the report. */
export async function runPod({ variables, print, signal }: PodEnvironment): Promise<PodReport> {
  const logger = createLog(print);
  try {
    const task = parseTask(variables[TASK_VARIABLE]);
    logger.info('populating', { attempt: task.attemptId, targets: task.targets.length });
    // Loaded after the task is known to be good, and only then: it is most of what this process has to load.
    const { runTask } = await import('../plugins/download-and-extract/run.ts');
    const targets = await runTask(task, {
      credentialsDir: variables['VOLPRIME_CREDENTIALS_DIR'] ?? CREDENTIALS_DIR,
      caBundleDir: variables['VOLPRIME_CA_BUNDLE_DIR'] ?? CA_BUNDLE_DIR,
      logger,
      onProgress: (progress) => print(JSON.stringify({ progress })),
      signal,
    });
    logger.info('succeeded', { targets });
    return { outcome: 'succeeded', targets };
  } catch (error) {
    const report = failureReport(signal.aborted ? interrupted(signal.reason) : error);
    logger.error('failed', { ...report });
    return report;
  }
}

/** @throws PermanentError `InvalidTask`: the pod was not made by this version of the controller, or not by it at all. */
function parseTask(json: string | undefined): Task {
  if (json === undefined)
    throw new PermanentError('InvalidTask', `The environment variable ${TASK_VARIABLE} is not set.`);
  try {
    return taskSchema.parse(JSON.parse(json));
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new PermanentError('InvalidTask', `${TASK_VARIABLE} is not a task that this populator knows: ${words}`, {
      cause,
    });
  }
}

function interrupted(reason: unknown): AttemptFailedError {
  return new AttemptFailedError(
    'Interrupted',
    `The populator was told to stop (${String(reason)}) before the volume was complete.`,
  );
}

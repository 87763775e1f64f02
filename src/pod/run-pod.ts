/** From the task in the environment to the report: everything that the pod does, with its surroundings passed in. */
import * as z from 'zod';
import { ADDRESSES_VARIABLE, ALLOWED_ADDRESSES_VARIABLE } from '../api/pod-settings.ts';
import { type Found, INSPECT_TASK, TARGET_VARIABLE, TASK_VARIABLE } from '../api/populator-program.ts';
import type { Prior } from '../extract/job.ts';
import type { AddressPolicy } from '../extract/source/http/address-policy.ts';
import {
  CA_BUNDLE_DIR,
  CREDENTIALS_DIR,
  PROXY_CREDENTIALS_DIR,
  taskSchema as downloadTaskSchema,
} from '../plugins/download-and-extract/task.ts';
import { captureTaskSchema, REPOSITORY_DIR, REPOSITORY_SECRET_DIR } from '../plugins/snapshot-capture/task.ts';
import { restoreTaskSchema } from '../plugins/snapshot-restore/task.ts';
import { AttemptFailedError, PermanentError, type PluginLogger, type PodReport } from '../sdk/index.ts';
import { visibleJson } from '../visible.ts';
import { examine, parseTargetState, type Target } from './examine.ts';
import { createLog } from './log.ts';
import { failureReport } from './report.ts';

export interface PodEnvironment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly print: (line: string) => void;
  /** Leaves a report that counts if this process does not live to write its last one. */
  readonly announce: (early: PodReport) => void;
  readonly signal: AbortSignal;
}

const inspectTaskSchema = z.object({ version: z.literal(1), plugin: z.literal(INSPECT_TASK), path: z.string() });
const taskSchema = z.discriminatedUnion('plugin', [
  downloadTaskSchema,
  captureTaskSchema,
  restoreTaskSchema,
  inspectTaskSchema,
]);
type Task = z.infer<typeof taskSchema>;

/** Never throws: whatever goes wrong is told in the report. */
export async function runPod(environment: PodEnvironment): Promise<PodReport> {
  const { variables, print, signal } = environment;
  const logger = createLog(print);
  let found: Found | undefined;
  const seen = () => (found === undefined ? {} : { found });
  try {
    const task = parseTask(variables[TASK_VARIABLE]);
    const examination = examine(targetsOf(task), parseTargetState(variables[TARGET_VARIABLE]));
    found = examination.found;
    if (examination.objection !== undefined) throw examination.objection;
    // Before the first write: without this word the controller takes nothing in the volume for ours.
    if (found !== undefined) environment.announce({ outcome: 'unfinished', found });
    const report = { ...(await runTask(task, { ...environment, logger, prior: examination.prior })), ...seen() };
    logger.info('succeeded', report);
    return report;
  } catch (error) {
    const report = { ...failureReport(signal.aborted ? interrupted(signal.reason) : error), ...seen() };
    logger.error('failed', { ...report });
    return report;
  }
}

/** What the task writes to, or is to look into. */
function targetsOf(task: Task): readonly Target[] {
  switch (task.plugin) {
    case 'download-and-extract':
      return task.targets;
    case 'snapshot-restore':
      return [task.target];
    case 'snapshot-capture':
      return [];
    case 'inspect':
      return [{ path: task.path, kind: 'directory' }];
  }
}

interface Setting extends PodEnvironment {
  readonly logger: PluginLogger;
  readonly prior: Prior | undefined;
}

/** A plugin is loaded after its task is known to be good, and only then: it is most of what this process has to load. */
async function runTask(task: Task, { variables, print, signal, logger, prior }: Setting): Promise<PodReport> {
  const common = { logger, signal, onProgress: (progress: object) => print(visibleJson(JSON.stringify({ progress }))) };
  const repository = {
    repositorySecretDir: variables['VOLPRIME_REPOSITORY_SECRET_DIR'] ?? REPOSITORY_SECRET_DIR,
    repositoryDir: variables['VOLPRIME_REPOSITORY_DIR'] ?? REPOSITORY_DIR,
    // Node trusts it by itself; what else needs it is told of the same file.
    operatorCa: variables['NODE_EXTRA_CA_CERTS'],
  };
  switch (task.plugin) {
    case 'inspect':
      return { outcome: 'inspected' };
    case 'download-and-extract': {
      logger.info('populating', { attempt: task.attemptId, targets: task.targets.length });
      const [{ runTask: run }, addresses] = await Promise.all([
        import('../plugins/download-and-extract/run.ts'),
        addressesOf(variables),
      ]);
      const credentialsDir = variables['VOLPRIME_CREDENTIALS_DIR'] ?? CREDENTIALS_DIR;
      const proxyCredentialsDir = variables['VOLPRIME_PROXY_CREDENTIALS_DIR'] ?? PROXY_CREDENTIALS_DIR;
      const caBundleDir = variables['VOLPRIME_CA_BUNDLE_DIR'] ?? CA_BUNDLE_DIR;
      const directories = { credentialsDir, proxyCredentialsDir, caBundleDir };
      return { outcome: 'succeeded', targets: await run(task, { ...common, ...directories, addresses, prior }) };
    }
    case 'snapshot-capture': {
      logger.info('working on the repository', { action: task.action, key: task.key });
      const { runTask: run } = await import('../plugins/snapshot-capture/run.ts');
      return run(task, { ...common, ...repository });
    }
    case 'snapshot-restore': {
      logger.info('populating', { attempt: task.attemptId, from: task.from.type });
      const { runTask: run } = await import('../plugins/snapshot-restore/run.ts');
      return { outcome: 'succeeded', targets: [await run(task, { ...common, ...repository, prior })] };
    }
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

/** Undefined: every address may be dialled. */
async function addressesOf(variables: PodEnvironment['variables']): Promise<AddressPolicy | undefined> {
  const said = variables[ADDRESSES_VARIABLE];
  if (said === undefined) return undefined;
  if (said !== 'public') throw new PermanentError('InvalidTask', `${ADDRESSES_VARIABLE} must be "public" or absent.`);
  const allowed = (variables[ALLOWED_ADDRESSES_VARIABLE] ?? '').split(',').filter((cidr) => cidr !== '');
  const { publicAddresses } = await import('../extract/source/http/address-policy.ts');
  return publicAddresses(allowed);
}

function interrupted(reason: unknown): AttemptFailedError {
  return new AttemptFailedError(
    'Interrupted',
    `The populator was told to stop (${String(reason)}) before the volume was complete.`,
  );
}

/** The plugin's own functions. What they answer is kept in memory until the next decision records it. */
import { isDeepStrictEqual, types } from 'node:util';
import { namespaces } from '../../api/resources.ts';
import { backoffMs, type CallResult, callPlugin, done, type Outcome, stale } from '../../runtime/index.ts';
import type { PluginState, SnapshotAnswer } from '../../sdk/index.ts';
import type { StepContext } from '../context.ts';
import { plainText } from '../failure.ts';
import { isDeleting } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { captureParams, handleParams, snapshotParams } from '../plugin-params.ts';
import type { RegisteredSnapshotPlugin } from '../plugin-registry.ts';
import type { CaptureRecord } from '../record.ts';
import { writeRecord } from './content.ts';

/** How often a removal that is under way is asked after, and the shortest time between two questions. */
const REMOVAL_POLL_MS = 2_000;
const SHORTEST_POLL_MS = 100;

/** S1: what the answer says is written down at once, in the one place that undoing reads. */
export function callSnapshot(context: StepContext, o: Observation, record: CaptureRecord): Promise<Outcome> {
  return withPlugin(context, o, async (registered) => {
    const result = await call(context, registered, 'snapshot', async (scoped) =>
      checkHandle(await registered.plugin.snapshot(captureParams(scoped, o, record))),
    );
    if (result.type === 'failed') return failed(context, o, result);
    const { handle, state } = result.answer;
    const kept = await writeRecord(context, o, { ...record, handle, ...(state !== undefined && { state }) });
    if (kept.type === 'done') context.memory.update(o.uid, { failures: 0 });
    return kept;
  });
}

export function callComplete(context: StepContext, o: Observation, handle: string): Promise<Outcome> {
  return withPlugin(context, o, async (registered) => {
    const result = await call(context, registered, 'snapshotComplete', async (scoped) =>
      checkAnswer(await registered.plugin.snapshotComplete(handleParams(scoped, o, handle))),
    );
    if (result.type === 'failed') return failed(context, o, result);
    const { answer } = result;
    const pollMs = Math.max(SHORTEST_POLL_MS, answer.pollAfterMs ?? registered.pollIntervalMs);
    context.memory.update(o.uid, { answer: { ...answer, askAgainAt: context.now() + pollMs }, failures: 0 });
    return keepState(context, o, answer.state);
  });
}

/** Under way is no failure, and neither is told before it has lasted. What keeps failing is counted: see tear-down. */
export function callDelete(context: StepContext, o: Observation, handle: string): Promise<Outcome> {
  return withPlugin(context, o, async (registered) => {
    const now = context.now();
    const since = o.local.removal.since === 0 ? now : o.local.removal.since;
    // What the removal itself needs is to be tidied up too.
    const update = (change: Partial<Observation['local']['removal']>) =>
      context.memory.update(o.uid, { cleaned: false, removal: { ...o.local.removal, since, ...change } });
    const result = await call(context, registered, 'snapshotDelete', (scoped) =>
      registered.plugin.snapshotDelete(handleParams(scoped, o, handle)),
    );
    if (result.type === 'answered' && result.answer) {
      update({ done: true });
      return done;
    }
    const homeEnds = o.local.removal.homeEnds || (await doesHomeEnd(context, o));
    if (result.type === 'answered') {
      update({ homeEnds, retryAt: now + REMOVAL_POLL_MS });
      return done;
    }
    const { failure } = result;
    const failures = o.local.removal.failures + 1;
    const retryAt = now + (failure.afterMs ?? backoffMs(failures, o.uid));
    update({ homeEnds, failures, retryAt, lastError: plainText(failure.message) });
    return { type: 'blocked', reason: 'SnapshotDeleteError', message: failure.message };
  });
}

/** Failing for ever must hold nothing for ever: the count ends it (see tear-down). */
export function callCleanup(context: StepContext, o: Observation): Promise<Outcome> {
  return withPlugin(context, o, async (registered) => {
    const result = await call(context, registered, 'snapshotCleanup', async (scoped) =>
      registered.plugin.snapshotCleanup?.(snapshotParams(scoped, o)),
    );
    if (result.type === 'answered') {
      context.memory.update(o.uid, { cleaned: true, cleanupFailures: 0 });
      return done;
    }
    const cleanupFailures = o.local.cleanupFailures + 1;
    const wait = result.failure.afterMs ?? backoffMs(cleanupFailures, o.uid);
    context.memory.update(o.uid, { cleanupFailures, cleanupRetryAt: context.now() + wait });
    return { type: 'blocked', reason: 'SnapshotCleanupFailed', message: result.failure.message };
  });
}

/** Whether the namespace of the VolumeSnapshot is gone or going: its Secret with it, and no pod can be made there. */
async function doesHomeEnd(context: StepContext, { content }: Observation): Promise<boolean> {
  const name = content?.spec.volumeSnapshotRef.namespace;
  if (name === undefined) return true;
  const namespace = await context.client.get(namespaces, { name }, { signal: context.signal });
  return namespace === undefined || isDeleting(namespace);
}

function keepState(context: StepContext, o: Observation, state: PluginState | undefined): Promise<Outcome> {
  const { record } = o;
  const same = record === undefined || record === 'unreadable' || state === undefined;
  if (same || isDeepStrictEqual(record.state, state)) return Promise.resolve(done);
  return writeRecord(context, o, { ...record, state });
}

function failed(context: StepContext, o: Observation, { failure }: CallResult<never> & { type: 'failed' }): Outcome {
  context.memory.update(o.uid, { failure });
  return done;
}

async function withPlugin(
  context: StepContext,
  o: Observation,
  run: (registered: RegisteredSnapshotPlugin) => Promise<Outcome>,
): Promise<Outcome> {
  const registered = o.plugin && context.plugins.of(o.plugin.driver);
  return registered === undefined ? stale('the plugin is gone') : run(registered);
}

function call<T>(
  context: StepContext,
  { callTimeoutMs: timeoutMs }: RegisteredSnapshotPlugin,
  name: string,
  run: (scoped: StepContext) => Promise<T>,
): Promise<CallResult<T>> {
  return callPlugin({ name, timeoutMs, signal: context.signal, run: (signal) => run({ ...context, signal }) });
}

/** A plugin may be plain JavaScript: what is not as promised is its fault, and says so. */
function checkHandle<A extends { readonly handle: string }>(answer: A): A {
  if (typeof answer?.handle === 'string' && answer.handle !== '') return answer;
  throw new TypeError(`the answer must be an object with "handle", not ${JSON.stringify(answer)}`);
}

function checkAnswer(answer: SnapshotAnswer): SnapshotAnswer {
  const { cutAt, restoreSize } = answer ?? {};
  if (typeof answer?.ready !== 'boolean')
    throw new TypeError(`the answer must be an object with "ready", not ${JSON.stringify(answer)}`);
  if (cutAt !== undefined && !(types.isDate(cutAt) && Number.isFinite(cutAt.getTime())))
    throw new TypeError('cutAt must be a valid Date');
  if (restoreSize !== undefined && !(Number.isSafeInteger(restoreSize) && restoreSize >= 0))
    throw new TypeError('restoreSize must be a whole number of bytes');
  return answer;
}

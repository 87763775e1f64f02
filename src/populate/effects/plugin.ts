/** The plugin's own functions. What they answer is kept in memory until the next decision records it. */
import { isDeepStrictEqual } from 'node:util';
import { foreign, isText, joined, type Text } from '../../api/foreign.ts';
import type { PopulationResult } from '../../api/population.ts';
import { backoffMs, callPlugin, type CallResult, done, type Outcome, stale } from '../../runtime/index.ts';
import type { Done, NotPrepared, NotYet, Prepared } from '../../sdk/index.ts';
import { boundedState } from '../bounded-state.ts';
import type { StepContext } from '../context.ts';
import type { CompleteAnswer, Observation } from '../observation.ts';
import { cleanupParams, populateParams, prepareParams } from '../plugin-params.ts';
import { DEFAULT_CALL_TIMEOUT_MS, type RegisteredPlugin } from '../plugin-registry.ts';
import { CLEANUP_ATTEMPTS } from '../tear-down.ts';
import { podSecurityObjection } from './namespace.ts';
import { patchStatus } from './record.ts';

/** Asks namespace and plugin whether this can work at all, and lets the plugin make what the prime needs. */
export function prepare(context: StepContext, o: Observation): Promise<Outcome> {
  return withPlugin(context, o, async ({ plugin, facts: registered }) => {
    const facts = o.plugin ?? registered;
    const looked = await call(context, plugin, 'preflight', async (scoped) => {
      const params = prepareParams(scoped, o);
      await plugin.preflight?.(params);
      return 'pod' in plugin ? plugin.securityProfile?.(params) : undefined;
    });
    if (looked.type === 'failed') {
      context.memory.update(o.uid, { failure: looked.failure });
      return done;
    }
    const podless = facts.choosesPath && facts.path === 'podless';
    const objection = podless ? undefined : await podSecurityObjection(context, o, { plugin, needed: looked.answer });
    if (objection !== undefined)
      return { type: 'blocked', reason: 'PodSecurityForbidden', message: [foreign(objection)] };
    const result = await call(context, plugin, 'prepare', async (scoped) =>
      boundedState(checkPreparation(await plugin.prepare?.(prepareParams(scoped, o)))),
    );
    if (result.type === 'answered') return keepPreparation(context, o, result.answer);
    context.memory.update(o.uid, { failure: result.failure });
    return done;
  });
}

/** In the record before it counts: what was made for the prime is found again whatever dies in between. */
async function keepPreparation(context: StepContext, o: Observation, answer: Prepared | NotPrepared): Promise<Outcome> {
  const { path, route, state } = answer;
  const known = o.population?.status?.prepared;
  const { state: before, ...rest } = known ?? {};
  const kept = state === undefined ? before : (state ?? undefined);
  const told = {
    ...rest,
    ...(path !== undefined && { path }),
    ...(route !== undefined && { route }),
    ...(kept !== undefined && { state: kept }),
  };
  const news = !isDeepStrictEqual(told, known ?? {});
  const outcome = news ? await patchStatus(context, o.population, { prepared: told }) : done;
  if (outcome.type !== 'done') return outcome;
  if (answer.done) {
    context.memory.update(o.uid, { prepared: true, preparing: undefined });
    return done;
  }
  const { reason, message, mood = 'progressing', pollAfterMs = o.plugin?.pollIntervalMs ?? 0 } = answer;
  const words: Text = typeof message === 'string' ? [foreign(message)] : message;
  const preparing = { reason, message: words, mood, askAgainAt: context.now() + pollAfterMs };
  context.memory.update(o.uid, { preparing });
  return done;
}

/** Whether what `prepare` took may be kept while the prime waits for its volume. */
export function renew(context: StepContext, o: Observation): Promise<Outcome> {
  return withPlugin(context, o, async ({ plugin }) => {
    const result = await call(context, plugin, 'renew', async (scoped) => plugin.renew?.(prepareParams(scoped, o)));
    const failure = result.type === 'failed' ? result.failure : undefined;
    context.memory.update(o.uid, { renewedAt: context.now(), ...(failure !== undefined && { failure }) });
    return done;
  });
}

/** A plugin may be plain JavaScript, and may have nothing to say. */
function checkPreparation(answer: Prepared | NotPrepared | void): Prepared | NotPrepared {
  if (answer === undefined || answer === null) return { done: true };
  const whole = answer.done || (typeof answer.reason === 'string' && isText(answer.message));
  if (whole) return answer;
  throw new TypeError(
    `the answer must have "done", and "reason" and "message" where that is false, not ${JSON.stringify(answer)}`,
  );
}

export function callPopulate(context: StepContext, o: Observation, attempt: number): Promise<Outcome> {
  return withPlugin(context, o, async ({ plugin }) => {
    if (!('populate' in plugin)) return stale('the plugin has no populate function');
    const result = await call(context, plugin, 'populate', async (scoped) => {
      const answer = (await plugin.populate(populateParams(scoped, o))) ?? undefined;
      return answer && boundedState(answer);
    });
    if (result.type === 'failed') {
      context.memory.update(o.uid, { failure: result.failure });
      return done;
    }
    const state = result.answer?.state;
    const kept = state === undefined ? done : await patchStatus(context, o.population, { state });
    if (kept.type === 'done') context.memory.update(o.uid, { startedAttempt: attempt });
    return kept;
  });
}

export function callComplete(context: StepContext, o: Observation, attempt: number): Promise<Outcome> {
  return withPlugin(context, o, async ({ plugin, facts }) => {
    if (!('populateComplete' in plugin)) return stale('the plugin has no populateComplete function');
    const result = await call(context, plugin, 'populateComplete', async (scoped) =>
      boundedState(checkAnswer(await plugin.populateComplete(populateParams(scoped, o)))),
    );
    if (result.type === 'failed') {
      context.memory.update(o.uid, { failure: result.failure });
      return done;
    }
    const { answer } = result;
    context.memory.update(o.uid, {
      answer: completeAnswer(answer, attempt, context.now() + facts.pollIntervalMs, context.now()),
    });
    const state = answer.done ? undefined : answer.state;
    return state === undefined ? done : patchStatus(context, o.population, { state });
  });
}

/** Failing for ever must not hold the claim for ever: the count ends it (see tear-down), and the last call says so. */
export function callCleanup(context: StepContext, o: Observation): Promise<Outcome> {
  return withPlugin(context, o, async ({ plugin }) => {
    const result = await call(context, plugin, 'populateCleanup', async (scoped) =>
      plugin.populateCleanup?.(cleanupParams(scoped, o)),
    );
    if (result.type === 'answered') {
      context.memory.update(o.uid, { cleaned: true });
      return done;
    }
    const cleanupFailures = o.local.cleanupFailures + 1;
    context.memory.update(o.uid, {
      cleanupFailures,
      cleanupRetryAt: context.now() + (result.failure.afterMs ?? backoffMs(cleanupFailures, o.uid)),
    });
    const end = cleanupFailures < CLEANUP_ATTEMPTS ? '' : ` (call ${cleanupFailures}: the claim is let go without it)`;
    return { type: 'blocked', reason: 'PopulateCleanupFailed', message: joined(result.failure.message, end) };
  });
}

/** As if it had succeeded: the claim's owner says that it is not worth waiting for. */
export async function skipCleanup(context: StepContext, o: Observation): Promise<Outcome> {
  context.logger.warn('the cleanup function of the plugin is left out, as the claim asks for', { claim: o.uid });
  context.memory.update(o.uid, { cleaned: true });
  return done;
}

async function withPlugin(
  context: StepContext,
  o: Observation,
  run: (registered: RegisteredPlugin) => Promise<Outcome>,
): Promise<Outcome> {
  const source = o.population?.spec.source;
  const registered = source && context.plugins.ofKind(source.group, source.kind);
  return registered === undefined ? stale('the plugin is gone') : run(registered);
}

function call<T>(
  context: StepContext,
  plugin: RegisteredPlugin['plugin'],
  name: string,
  run: (scoped: StepContext) => Promise<T>,
): Promise<CallResult<T>> {
  const timeoutMs = plugin.callTimeoutMs ?? DEFAULT_CALL_TIMEOUT_MS;
  return callPlugin({ name, timeoutMs, signal: context.signal, run: (signal) => run({ ...context, signal }) });
}

/** A plugin may be plain JavaScript: anything but the three promised answers is its fault, and says so. */
function checkAnswer(answer: boolean | Done | NotYet): Done | NotYet {
  if (typeof answer === 'boolean') return { done: answer };
  if (typeof answer === 'object' && answer !== null && typeof answer.done === 'boolean') return answer;
  throw new TypeError(`the answer must be a boolean or an object with "done", not ${JSON.stringify(answer)}`);
}

function completeAnswer(answer: Done | NotYet, attempt: number, pollAt: number, now: number): CompleteAnswer {
  if (answer.done) {
    const result: PopulationResult = { verification: 'plugin', ...answer.result };
    return { done: true, attempt, result };
  }
  const askAgainAt = answer.pollAfterMs === undefined ? pollAt : now + answer.pollAfterMs;
  return { done: false, attempt, askAgainAt, progress: answer.progress };
}

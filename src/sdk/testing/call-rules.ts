/** What holds for a plugin without a pod: one attempt id, one piece of work, whatever is lost in between. */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { progressSchema, resultSchema } from '../../api/population.ts';
import type { Plugin, PluginState, PopulateParams } from '../plugin.ts';
import { failureOf, isPermanent, type Rule, strangeError, wordsOf } from './rule.ts';
import type { Subject } from './subject.ts';
import type { Outcome, Trial } from './trial.ts';

/** Questions that are put to populateComplete before the kit gives up. */
const MAX_QUESTIONS = 200;
const MAX_PAUSE_MS = 250;

const isPodless = (plugin: Plugin) => ('populate' in plugin ? undefined : 'the plugin works in a pod');
const needs = (what: keyof NonNullable<Subject['outside']>) => (plugin: Plugin, subject: Subject) =>
  isPodless(plugin) ?? (subject.outside?.[what] ? undefined : `give outside.${what}`);

export const callRules: readonly Rule[] = [
  { name: 'start-and-finish', skip: isPodless, check: startAndFinish },
  { name: 'restart', skip: isPodless, check: restart },
  { name: 'late-answer', skip: isPodless, check: lateAnswer },
  { name: 'next-attempt', skip: isPodless, check: nextAttempt },
  { name: 'never-begun', skip: isPodless, check: neverBegun },
  { name: 'told-to-stop', skip: isPodless, check: toldToStop },
  { name: 'outside-hangs', skip: needs('hang'), check: outsideHangs },
  { name: 'outside-fails', skip: needs('fail'), check: outsideFails },
];

const state: z.ZodType<PluginState> = z.json();
const startedSchema = z.union([z.undefined(), z.null(), z.looseObject({ state: state.optional() })]);
const answerSchema = z.union([
  z.boolean(),
  z.strictObject({ done: z.literal(true), result: resultSchema.partial().optional() }),
  z.strictObject({
    done: z.literal(false),
    pollAfterMs: z.number().min(0).optional(),
    progress: progressSchema.partial().optional(),
    state: state.optional(),
  }),
]);

interface Memory {
  state: PluginState | undefined;
}

async function populate(trial: Trial, memory: Memory, attempt = 1): Promise<string[]> {
  const plugin = await trial.plugin();
  const outcome = await trial.call((signal) =>
    populateOf(plugin, trial.params({ attempt, signal, state: memory.state })),
  );
  if (outcome.type !== 'answered') return failureOf('populate', outcome);
  const parsed = startedSchema.safeParse(outcome.answer);
  if (!parsed.success) return ['populate must return nothing, or an object with a state that is JSON'];
  const kept = parsed.data?.state;
  if (kept !== undefined) memory.state = kept;
  return kept === undefined ? [] : roundTrip(kept);
}

/** The state comes back through JSON, and as a part of an object of the API server. */
function roundTrip(kept: PluginState): string[] {
  const back: unknown = JSON.parse(JSON.stringify(kept));
  return isDeepStrictEqual(back, kept)
    ? []
    : ['the state is not the same after it went through JSON: use plain objects, no undefined, no dates'];
}

function populateOf(plugin: Plugin, params: PopulateParams<unknown>): unknown {
  return 'populate' in plugin ? plugin.populate(params) : undefined;
}

function completeOf(plugin: Plugin, params: PopulateParams<unknown>): unknown {
  return 'populateComplete' in plugin ? plugin.populateComplete(params) : undefined;
}

type Asked = { readonly done: boolean; readonly pauseMs: number; readonly problems: readonly string[] };

async function ask(trial: Trial, memory: Memory, attempt = 1): Promise<Asked> {
  const plugin = await trial.plugin();
  const outcome = await trial.call((signal) =>
    completeOf(plugin, trial.params({ attempt, signal, state: memory.state })),
  );
  if (outcome.type !== 'answered') return { done: false, pauseMs: 0, problems: failureOf('populateComplete', outcome) };
  const parsed = answerSchema.safeParse(outcome.answer);
  if (!parsed.success) {
    const problem = `populateComplete answered ${words(outcome.answer)}: it must be true, false, or an object with done, as the contract says`;
    return { done: false, pauseMs: 0, problems: [problem] };
  }
  const { data } = parsed;
  if (typeof data === 'boolean') return { done: data, pauseMs: 20, problems: [] };
  if (data.done) return { done: true, pauseMs: 0, problems: [] };
  if (data.state === undefined) return { done: false, pauseMs: data.pollAfterMs ?? 20, problems: [] };
  memory.state = data.state;
  return { done: false, pauseMs: data.pollAfterMs ?? 20, problems: roundTrip(data.state) };
}

function words(answer: unknown): string {
  return JSON.stringify(answer)?.slice(0, 200) ?? String(answer);
}

async function finish(trial: Trial, memory: Memory, attempt = 1): Promise<readonly string[]> {
  for (let question = 0; question < MAX_QUESTIONS; question++) {
    const { done, pauseMs, problems } = await ask(trial, memory, attempt);
    if (done || problems.length > 0) return problems;
    await delay(Math.min(pauseMs, MAX_PAUSE_MS));
  }
  return [
    `populateComplete was asked ${MAX_QUESTIONS} times and never said that it is done: give a spec that is done sooner`,
  ];
}

async function startAndFinish(trial: Trial): Promise<readonly string[]> {
  const memory: Memory = { state: undefined };
  const problems = [...(await populate(trial, memory)), ...(await finish(trial, memory))];
  if (problems.length > 0) return problems;
  const again = await ask(trial, memory);
  return again.done
    ? []
    : [
        'populateComplete said "done" and, asked again, something else: a controller that dies in between asks again',
        ...again.problems,
      ];
}

async function restart(trial: Trial): Promise<readonly string[]> {
  const memory: Memory = { state: undefined };
  const before = await begun(trial);
  const problems = [
    ...(await populate(trial, memory)),
    ...(await populate(trial, memory)).map(
      (problem) => `called again with the same attempt id, after a restart, ${problem}`,
    ),
    ...(await finish(trial, memory)),
  ];
  return [...problems, ...(await begunOnce(trial, before, 'populate was called twice with one attempt id'))];
}

/** The call took too long and was given up; what it did is done nevertheless, and its answer comes to nobody. */
async function lateAnswer(trial: Trial): Promise<readonly string[]> {
  const memory: Memory = { state: undefined };
  const before = await begun(trial);
  const plugin = await trial.plugin();
  const first = await trial.callAndStop((signal) => populateOf(plugin, trial.params({ signal })), 1);
  const problems = [
    ...strangeError('populate', first),
    ...(await populate(trial, memory)).map((problem) => `called again after a call whose answer was lost, ${problem}`),
    ...(await finish(trial, memory)),
  ];
  return [...problems, ...(await begunOnce(trial, before, 'the answer of populate was lost and it was called again'))];
}

async function nextAttempt(trial: Trial): Promise<readonly string[]> {
  const before = await begun(trial);
  const problems: string[] = [];
  for (const attempt of [1, 2]) {
    const memory: Memory = { state: undefined };
    problems.push(...(await populate(trial, memory, attempt)), ...(await finish(trial, memory, attempt)));
  }
  const after = await begun(trial);
  const same = before !== undefined && after !== undefined && after - before < 2;
  return same
    ? [...problems, 'another attempt id did not begin work of its own: its volume is another one, and empty']
    : problems;
}

/** I1 of the framework: a claim is bound on this answer. */
async function neverBegun(trial: Trial): Promise<readonly string[]> {
  const plugin = await trial.plugin();
  const outcome = await trial.call((signal) => completeOf(plugin, trial.params({ signal })));
  if (outcome.type === 'silent') return failureOf('populateComplete', outcome);
  if (outcome.type === 'threw') return strangeError('populateComplete', outcome);
  const parsed = answerSchema.safeParse(outcome.answer);
  const done = parsed.success && (parsed.data === true || (typeof parsed.data === 'object' && parsed.data.done));
  return done
    ? ['populateComplete says "done" for an attempt that was never begun: an empty volume would be handed over']
    : [];
}

async function toldToStop(trial: Trial): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [name, run] of Object.entries(functionsOf(await trial.plugin()))) {
    const outcome = await trial.callAndStop((signal) => run(trial.params({ signal })), 0);
    if (outcome.type === 'silent')
      problems.push(`${name} went on for more than ${trial.stopMs} ms after its signal was aborted`);
    problems.push(...strangeError(name, outcome));
  }
  return problems;
}

async function outsideHangs(trial: Trial): Promise<readonly string[]> {
  const memory: Memory = { state: undefined };
  const problems = [...(await populate(trial, memory))];
  const undo = await trial.subject.outside?.hang?.();
  try {
    for (const [name, run] of Object.entries(functionsOf(await trial.plugin()))) {
      const outcome = await trial.callAndStop((signal) => run(trial.params({ signal, state: memory.state })), 50);
      if (outcome.type === 'silent')
        problems.push(
          `${name} does not end when its signal is aborted while the service is silent: pass the signal on`,
        );
      if (outcome.type === 'answered')
        problems.push(`${name} answered ${words(outcome.answer)} although the service is silent`);
      problems.push(...strangeError(name, outcome));
    }
  } finally {
    await undo?.();
  }
  return [...problems, ...(await finish(trial, memory)).map((problem) => `once the service answers again, ${problem}`)];
}

async function outsideFails(trial: Trial): Promise<readonly string[]> {
  const memory: Memory = { state: undefined };
  const problems = [...(await populate(trial, memory))];
  const undo = await trial.subject.outside?.fail?.();
  try {
    for (const [name, run] of Object.entries(functionsOf(await trial.plugin()))) {
      const outcome = await trial.call((signal) => run(trial.params({ signal, state: memory.state })));
      problems.push(...toldOfFailure(name, outcome));
    }
  } finally {
    await undo?.();
  }
  return [...problems, ...(await finish(trial, memory)).map((problem) => `once the service works again, ${problem}`)];
}

function toldOfFailure(name: string, outcome: Outcome): string[] {
  if (outcome.type === 'answered')
    return [`${name} answered ${words(outcome.answer)} although the service failed: let the error through`];
  if (outcome.type === 'silent') return failureOf(name, outcome);
  const { error } = outcome;
  const lasting = isPermanent(error)
    ? [`${name} threw ${wordsOf(error)}, which is permanent, although a service may come back`]
    : [];
  return [...lasting, ...strangeError(name, outcome)];
}

function functionsOf(plugin: Plugin): Readonly<Record<string, (params: PopulateParams<unknown>) => unknown>> {
  return {
    populate: (params) => populateOf(plugin, params),
    populateComplete: (params) => completeOf(plugin, params),
    ...(plugin.populateCleanup && { populateCleanup: (params) => plugin.populateCleanup?.(params) }),
  };
}

async function begun({ subject }: Trial): Promise<number | undefined> {
  return subject.outside?.begun?.();
}

async function begunOnce(trial: Trial, before: number | undefined, what: string): Promise<string[]> {
  const after = await begun(trial);
  if (before === undefined || after === undefined || after - before === 1) return [];
  return [`${what}, and the work was begun ${after - before} times`];
}

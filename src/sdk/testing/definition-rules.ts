/** What holds for every plugin before its work begins. */
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import type { NewObject } from '../../api/objects.ts';
import { pluginPodSettingsSchema } from '../../api/pod-settings.ts';
import { definePlugin } from '../define-plugin.ts';
import type { Plugin } from '../plugin.ts';
import { failureOf, isPermanent, type Rule, strangeError, wordsOf } from './rule.ts';
import type { Trial } from './trial.ts';

const always = () => undefined;

export const definitionRules: readonly Rule[] = [
  { name: 'definition', skip: always, check: definition },
  {
    name: 'bad-spec',
    skip: (_plugin, { badSpecs = [] }) =>
      badSpecs.length > 0 ? undefined : 'give badSpecs, with which nothing can be done',
    check: badSpec,
  },
  {
    name: 'prepare-twice',
    skip: ({ preflight, prepare }) =>
      (preflight ?? prepare) ? undefined : 'the plugin has neither preflight nor prepare',
    check: prepareTwice,
  },
  {
    name: 'mutate-prime',
    skip: ({ mutatePrime }) => (mutatePrime ? undefined : 'the plugin has no mutatePrime'),
    check: mutatePrime,
  },
];

async function definition(trial: Trial): Promise<string[]> {
  const plugin = await trial.plugin();
  try {
    definePlugin(plugin);
  } catch (error) {
    return [wordsOf(error)];
  }
  const settings = 'pod' in plugin && plugin.podSettings !== undefined ? plugin.podSettings : {};
  const issues = pluginPodSettingsSchema.safeParse(settings).error?.issues ?? [];
  return issues.map(({ path, message }) => `${['podSettings', ...path].map(String).join('.')}: ${message}`);
}

async function badSpec(trial: Trial): Promise<string[]> {
  const plugin = await trial.plugin();
  const problems: string[] = [];
  for (const spec of trial.subject.badSpecs ?? []) {
    const outcome = await trial.call((signal) => firstLook(plugin, trial, spec, signal));
    const it = `the spec ${JSON.stringify(spec)}`;
    if (outcome.type !== 'threw')
      problems.push(`${it} was not refused: let the schema or preflight throw PermanentError`);
    else if (!isPermanent(outcome.error))
      problems.push(
        `${it} was refused with ${wordsOf(outcome.error)}, which is tried again for ever: throw PermanentError`,
        ...strangeError(it, outcome),
      );
  }
  return problems;
}

/** Everything of a plugin that sees a spec before any volume is made, and the first thing after. */
async function firstLook(plugin: Plugin, trial: Trial, spec: unknown, signal: AbortSignal): Promise<void> {
  const params = trial.params({ spec, signal });
  await plugin.preflight?.(params);
  if ('pod' in plugin) plugin.pod(params);
  else await plugin.populate(params);
}

async function prepareTwice(trial: Trial): Promise<string[]> {
  const problems: string[] = [];
  for (const time of ['once', 'a second time, after a restart']) {
    const plugin = await trial.plugin();
    const checked = await trial.call((signal) => plugin.preflight?.(trial.params({ signal })));
    const prepared = await trial.call((signal) => plugin.prepare?.(trial.params({ signal })));
    problems.push(
      ...failureOf(`preflight, called ${time},`, checked),
      ...failureOf(`prepare, called ${time},`, prepared),
      ...(prepared.type === 'answered' ? answerProblems(plugin, prepared.answer) : []),
    );
  }
  return problems;
}

const told = { state: z.json().optional(), path: z.enum(['pod', 'podless']).optional(), route: z.string().optional() };
const preparationSchema = z.union([
  z.undefined(),
  z.null(),
  z.strictObject({ done: z.literal(true), ...told }),
  z.strictObject({
    done: z.literal(false),
    ...told,
    reason: z.string().regex(/^[A-Z][A-Za-z0-9]{0,127}$/),
    message: z.union([z.string().min(1), z.array(z.unknown()).min(1)]),
    mood: z.enum(['blocked', 'progressing', 'routine']).optional(),
    pollAfterMs: z.number().min(0).optional(),
  }),
]);

function answerProblems(plugin: Plugin, answer: unknown): string[] {
  const parsed = preparationSchema.safeParse(answer);
  if (!parsed.success)
    return [
      'prepare must answer nothing, or an object with done, and where that is false with reason (CamelCase) and message',
    ];
  const { data } = parsed;
  return 'choosesPath' in plugin && data?.done === true && data.path === undefined
    ? ['prepare of a plugin that chooses its path must say which']
    : [];
}

const prime: NewObject = Object.freeze({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: Object.freeze({
    name: 'volprime-1',
    namespace: 'conformance',
    labels: Object.freeze({}),
    annotations: Object.freeze({}),
  }),
  spec: Object.freeze({ accessModes: ['ReadWriteOnce'] }),
});

async function mutatePrime(trial: Trial): Promise<string[]> {
  const plugin = await trial.plugin();
  const mutate = () => plugin.mutatePrime?.(prime, trial.params());
  const [first, second] = [await trial.call(mutate), await trial.call(mutate)];
  const failure = failureOf('mutatePrime', first);
  if (first.type !== 'answered' || second.type !== 'answered') return failure;
  const { answer } = first;
  if (typeof answer !== 'object' || answer === null || !('spec' in answer))
    return ['mutatePrime must return the whole claim, synchronously'];
  return isDeepStrictEqual(answer, second.answer)
    ? []
    : ['mutatePrime made two different claims of the same parameters'];
}

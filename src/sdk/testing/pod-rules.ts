/** What holds for a plugin whose work is done in a pod: its template is a plain answer to its parameters. */
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { securityProfiles } from '../../api/pod-settings.ts';
import type { Plugin } from '../plugin.ts';
import { failureOf, type Rule, strangeError, wordsOf } from './rule.ts';
import type { Outcome, Trial } from './trial.ts';

const path = z.string().regex(/^\/[^:]+$/, 'must be an absolute path without ":"');
const quantities = z.record(z.string(), z.string());

const templateSchema = z.strictObject({
  image: z.string().min(1).optional(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).optional(),
  mountPath: path.refine((it) => it !== '/tmp', 'is a directory of the framework').optional(),
  secrets: z.array(z.strictObject({ name: z.string().min(1), mountPath: path })).optional(),
  configMaps: z.array(z.strictObject({ name: z.string().min(1), mountPath: path })).optional(),
  resources: z.strictObject({ requests: quantities.optional(), limits: quantities.optional() }).optional(),
});

const isPod = (plugin: Plugin) => ('pod' in plugin ? undefined : 'the plugin has no pod');

export const podRules: readonly Rule[] = [
  { name: 'pod-template', skip: isPod, check: template },
  { name: 'pod-pure', skip: isPod, check: pure },
  { name: 'pod-block-volume', skip: isPod, check: blockVolume },
  {
    name: 'pod-security-profile',
    skip: (plugin) =>
      'pod' in plugin && plugin.securityProfile ? undefined : 'the plugin has no pod that chooses its security profile',
    check: securityProfile,
  },
];

async function podOf(trial: Trial, options: Parameters<Trial['params']>[0] = {}): Promise<Outcome> {
  const plugin = await trial.plugin();
  return trial.call(() => ('pod' in plugin ? { template: plugin.pod(trial.params(options)) } : undefined));
}

function templateOf(outcome: Outcome): unknown {
  const answer = outcome.type === 'answered' ? outcome.answer : undefined;
  return typeof answer === 'object' && answer !== null && 'template' in answer ? answer.template : undefined;
}

async function template(trial: Trial): Promise<string[]> {
  const outcome = await podOf(trial);
  if (outcome.type !== 'answered') return failureOf('pod', outcome);
  const answer = templateOf(outcome);
  if (answer instanceof Promise)
    return ['pod returned a promise: what it needs to ask for belongs into preflight or prepare'];
  const parsed = templateSchema.safeParse(answer);
  return (parsed.error?.issues ?? []).map(
    ({ path: at, message }) => `pod returned a template with ${at.map(String).join('.')}: ${message}`,
  );
}

/** A pod that has not started is compared with what would be made now; two answers would make it anew at each restart. */
async function pure(trial: Trial): Promise<string[]> {
  const [first, second] = [await podOf(trial), await podOf(trial)];
  if (first.type !== 'answered' || second.type !== 'answered') return failureOf('pod', first);
  return isDeepStrictEqual(templateOf(first), templateOf(second))
    ? []
    : ['pod made two different templates of the same parameters'];
}

async function blockVolume(trial: Trial): Promise<string[]> {
  const plugin = await trial.plugin();
  const refused = await trial.call((signal) => plugin.preflight?.(trial.params({ volumeMode: 'Block', signal })));
  if (refused.type === 'threw')
    return 'retry' in Object(refused.error)
      ? strangeError('preflight', refused)
      : [
          `preflight threw ${wordsOf(refused.error)} for a block volume: throw PermanentError where the plugin cannot fill one`,
        ];
  return failureOf(
    'pod, for a block volume that preflight did not refuse,',
    await podOf(trial, { volumeMode: 'Block' }),
  );
}

async function securityProfile(trial: Trial): Promise<string[]> {
  const plugin = await trial.plugin();
  const profileOf = () => trial.call(() => 'pod' in plugin && plugin.securityProfile?.(trial.params()));
  const [first, second] = [await profileOf(), await profileOf()];
  if (first.type !== 'answered' || second.type !== 'answered') return failureOf('securityProfile', first);
  const known: readonly unknown[] = securityProfiles;
  if (!known.includes(first.answer))
    return [`securityProfile must return ${securityProfiles.join(' or ')}, synchronously`];
  return first.answer === second.answer ? [] : ['securityProfile gave two different answers to the same parameters'];
}

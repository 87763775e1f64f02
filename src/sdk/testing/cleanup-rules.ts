/** What holds for the cleanup function: it is called after success, failure and cancellation, and whenever nobody knows whether it was. */
import type { CleanupParams, Plugin } from '../plugin.ts';
import { failureOf, type Rule } from './rule.ts';
import type { Trial } from './trial.ts';

const hasCleanup = ({ populateCleanup }: Plugin) => (populateCleanup ? undefined : 'the plugin has no populateCleanup');
const hasWork = (plugin: Plugin) =>
  hasCleanup(plugin) ?? ('populate' in plugin ? undefined : 'the plugin works in a pod');

export const cleanupRules: readonly Rule[] = [
  { name: 'cleanup-of-nothing', skip: hasCleanup, check: cleanupOfNothing },
  { name: 'cleanup-twice', skip: hasWork, check: cleanupTwice },
];

/** The claim may be deleted before anything was made for it; then there is neither prime nor volume. */
async function cleanupOfNothing(trial: Trial): Promise<string[]> {
  const bare = (signal: AbortSignal): CleanupParams<unknown> => ({
    ...trial.params({ signal }),
    prime: undefined,
    volume: undefined,
  });
  return cleanup(trial, 'populateCleanup, for an attempt that was never begun and without prime and volume,', bare);
}

async function cleanupTwice(trial: Trial): Promise<string[]> {
  const plugin = await trial.plugin();
  const before = await trial.subject.outside?.left?.();
  const began = await trial.call((signal) =>
    'populate' in plugin ? plugin.populate(trial.params({ signal })) : undefined,
  );
  const problems = [
    ...failureOf('populate', began),
    ...(await cleanup(trial, 'populateCleanup, while the work goes on,')),
    ...(await cleanup(trial, 'populateCleanup, called a second time after a restart,')),
  ];
  const after = await trial.subject.outside?.left?.();
  if (before !== undefined && after !== undefined && after > before)
    problems.push(`after populateCleanup the service still remembers ${after - before} pieces of work`);
  return problems;
}

async function cleanup(
  trial: Trial,
  what: string,
  params: (signal: AbortSignal) => CleanupParams<unknown> = (signal) => trial.params({ signal }),
): Promise<string[]> {
  const plugin = await trial.plugin();
  return failureOf(what, await trial.call((signal) => plugin.populateCleanup?.(params(signal))));
}

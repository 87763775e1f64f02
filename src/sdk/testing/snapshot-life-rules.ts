/** What holds in the ordinary life of a snapshot: begun, ready, outlived by no restart, deleted. */
import { wordsOf } from './rule.ts';
import { codeOf, type SnapshotRule } from './snapshot-rule.ts';
import type { SnapshotTrial } from './snapshot-trial.ts';

export const lifeRules: readonly SnapshotRule[] = [
  { name: 'a capture that is begun twice is one capture, and becomes ready', check: begunTwice },
  { name: 'a ready snapshot outlives a restart and its clean-up, and is told of in the same way', check: restart },
  { name: 'a snapshot that is deleted twice is gone, and no import finds it', check: deletedTwice },
  { name: 'a capture that is cancelled is gone', check: cancelled },
  { name: 'what was never begun can be deleted and tidied up', check: neverBegun },
];

async function begunTwice(trial: SnapshotTrial): Promise<readonly string[]> {
  const { outside } = trial.subject;
  const before = await outside?.begun?.();
  const plugin = await trial.plugin();
  const first = await trial.begin(plugin);
  const second = await trial.begin(plugin, first.state);
  if (first.handle !== second.handle) return [`the same key got the handles ${first.handle} and ${second.handle}`];
  const told = plugin.handleOf?.(trial.key) ?? first.handle;
  if (told !== first.handle) return [`handleOf said ${told}, and snapshot ${first.handle}`];
  await trial.ready(plugin, { handle: first.handle, state: second.state });
  const after = await outside?.begun?.();
  if (before === undefined || after === undefined || after - before === 1) return [];
  return [`snapshot was called twice with one key, and ${after - before} captures were begun`];
}

async function restart(trial: SnapshotTrial): Promise<readonly string[]> {
  const before = await trial.captured();
  const plugin = await trial.plugin();
  for (let call = 0; call < 2; call++) await trial.cleaned(plugin, before.state);
  const { answer: after } = await trial.ready(plugin, before);
  const { cutAt, restoreSize } = before.answer;
  if (after.cutAt?.getTime() !== cutAt?.getTime()) return ['cutAt is another one after a restart'];
  return after.restoreSize === restoreSize ? [] : ['restoreSize is another one after a restart'];
}

async function deletedTwice(trial: SnapshotTrial): Promise<readonly string[]> {
  const { handle, state } = await trial.captured();
  const plugin = await trial.plugin();
  for (let call = 0; call < 2; call++) await trial.removed(plugin, { handle, state });
  const outcome = await trial.look(plugin, handle);
  const failure = outcome.type === 'threw' ? outcome.error : undefined;
  return codeOf(failure) === 'SnapshotNotFound'
    ? []
    : [`an unknown handle must throw PermanentError SnapshotNotFound, not ${wordsOf(failure)}`];
}

async function cancelled(trial: SnapshotTrial): Promise<readonly string[]> {
  const plugin = await trial.plugin();
  const begun = await trial.begin(plugin);
  await trial.removed(plugin, begun);
  await trial.cleaned(plugin, begun.state);
  return [];
}

async function neverBegun(trial: SnapshotTrial): Promise<readonly string[]> {
  const plugin = await trial.plugin();
  await trial.cleaned(plugin);
  const handle = plugin.handleOf?.(trial.key);
  if (handle !== undefined) await trial.removed(plugin, { handle });
  return [];
}

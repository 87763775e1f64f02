/**
 * What holds for a call that was given up: it goes on somewhere, and ends after the snapshot was deleted. Its answer comes to nobody, so nothing
 * that it makes would ever be removed.
 */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { SnapshotPlugin } from '../snapshot-plugin.ts';
import { codeOf, type SnapshotRule } from './snapshot-rule.ts';
import { type Begun, type PluginCall, SnapshotTrial } from './snapshot-trial.ts';
import type { Outcome } from './trial.ts';

/** When the call is given up, in milliseconds: in its first moment, and when it has reached the store. */
const GIVEN_UP_MS = [0, 5];
const LOOK_MS = 20;

export const lateRules: readonly SnapshotRule[] = [
  { name: 'a call of snapshot that ends after the deletion brings nothing back', check: lateBeginning },
  { name: 'a call of snapshotComplete that ends after the deletion brings nothing back', check: lateQuestion },
];

async function lateBeginning({ subject }: SnapshotTrial): Promise<readonly string[]> {
  for (const afterMs of GIVEN_UP_MS) {
    const trial = new SnapshotTrial(subject);
    const plugin = await trial.plugin();
    const begin: PluginCall<Begun> = (it, signal) => it.snapshot(trial.captureParams({ signal }));
    const problems = await late(trial, plugin, { run: begin, afterMs, begun: undefined });
    if (problems.length > 0) return problems;
  }
  return [];
}

async function lateQuestion({ subject }: SnapshotTrial): Promise<readonly string[]> {
  for (const afterMs of GIVEN_UP_MS) {
    const trial = new SnapshotTrial(subject);
    const plugin = await trial.plugin();
    const begun = await trial.begin(plugin);
    const ask: PluginCall<unknown> = (it, signal) => it.snapshotComplete(trial.handleParams({ ...begun, signal }));
    const problems = await late(trial, plugin, { run: ask, afterMs, begun });
    if (problems.length > 0) return problems;
  }
  return [];
}

interface Late {
  readonly run: PluginCall<unknown>;
  readonly afterMs: number;
  /** Undefined: the answer of `snapshot` was lost, and the handle is the one that `handleOf` tells, if any. */
  readonly begun: Begun | undefined;
}

async function late(trial: SnapshotTrial, plugin: SnapshotPlugin, { run, afterMs, begun }: Late): Promise<string[]> {
  const { outside } = trial.subject;
  const undo = await outside?.hang?.();
  const stop = new AbortController();
  const running = settled(run(plugin, stop.signal));
  await (afterMs === 0 ? turn() : sleep(afterMs));
  stop.abort(new Error('the time for the call is over'));
  await undo?.();
  const handle = begun?.handle ?? plugin.handleOf?.(trial.key);
  if (handle !== undefined) await trial.removed(plugin, { handle, state: begun?.state });
  await trial.cleaned(plugin, begun?.state);
  const back = await comesBack(trial, plugin, { handle, running });
  await trial.forget();
  return back ? ['the snapshot was deleted, and is there again: begin nothing once the signal is aborted'] : [];
}

interface Watched {
  readonly handle: string | undefined;
  readonly running: Promise<Outcome>;
}

/** Looked at until the late call has ended, and for as long again as one may take to end. */
async function comesBack(trial: SnapshotTrial, plugin: SnapshotPlugin, { handle, running }: Watched): Promise<boolean> {
  const over = new AbortController();
  const late = sleep(trial.stopMs, undefined, { signal: over.signal }).catch(() => undefined);
  const outcome = await Promise.race([running, late]);
  over.abort();
  const known = handle ?? handleIn(outcome);
  if (known === undefined) return false;
  const end = performance.now() + trial.stopMs;
  do {
    const found = await trial.look(plugin, known);
    if (!isNotFound(found)) return true;
    await sleep(LOOK_MS);
  } while (performance.now() < end);
  return false;
}

function isNotFound(outcome: Outcome): boolean {
  return outcome.type === 'threw' && codeOf(outcome.error) === 'SnapshotNotFound';
}

function handleIn(outcome: Outcome | undefined): string | undefined {
  const answer = outcome?.type === 'answered' ? outcome.answer : undefined;
  return typeof answer === 'object' && answer !== null && 'handle' in answer ? String(answer.handle) : undefined;
}

function settled(call: Promise<unknown>): Promise<Outcome> {
  return call.then(
    (answer) => ({ type: 'answered', answer }),
    (error: unknown) => ({ type: 'threw', error }),
  );
}

/** What holds when things go wrong: calls that hang, calls that fail, and failures that say what they mean. */
import type { SnapshotPlugin } from '../snapshot-plugin.ts';
import { failureOf, isError, isPermanent, strangeError, wordsOf } from './rule.ts';
import type { SnapshotRule } from './snapshot-rule.ts';
import type { SnapshotSubject } from './snapshot-subject.ts';
import { type Begun, type PluginCall, SnapshotTrial } from './snapshot-trial.ts';
import type { Undo } from './subject.ts';
import type { Outcome } from './trial.ts';

const HANG_MS = 50;

const needs = (what: 'hang' | 'fail') => (subject: SnapshotSubject) =>
  subject.outside?.[what] ? undefined : `give outside.${what}`;

export const faultRules: readonly SnapshotRule[] = [
  { name: 'a call that is told to stop ends', check: toldToStop },
  { name: 'a call ends when it is told to, also while the store is silent', skip: needs('hang'), check: storeHangs },
  {
    name: 'a failure of the store is told, and what was begun goes on after it',
    skip: needs('fail'),
    check: storeFails,
  },
  {
    name: 'parameters that cannot work are refused for good',
    skip: ({ badParameters = [] }) => (badParameters.length > 0 ? undefined : 'give badParameters'),
    check: badParameters,
  },
  {
    name: 'a capture that fails says so with PermanentError or AttemptFailedError',
    skip: ({ failingSource }) => (failingSource === undefined ? 'give failingSource' : undefined),
    check: captureFails,
  },
];

type Functions = Readonly<Record<string, PluginCall<unknown>>>;

function captureCalls(trial: SnapshotTrial, begun: Begun): Functions {
  return {
    snapshot: (plugin, signal) => plugin.snapshot(trial.captureParams({ state: begun.state, signal })),
    snapshotComplete: (plugin, signal) => plugin.snapshotComplete(trial.handleParams({ ...begun, signal })),
  };
}

function removalCalls(trial: SnapshotTrial, begun: Begun): Functions {
  return {
    snapshotDelete: (plugin, signal) => plugin.snapshotDelete(trial.handleParams({ ...begun, signal })),
    snapshotCleanup: async (plugin, signal) =>
      plugin.snapshotCleanup?.(trial.captureParams({ state: begun.state, signal })),
  };
}

async function toldToStop(trial: SnapshotTrial): Promise<readonly string[]> {
  const plugin = await trial.plugin();
  const begun = await trial.begin(plugin);
  const problems: string[] = [];
  for (const [name, run] of Object.entries({ ...captureCalls(trial, begun), ...removalCalls(trial, begun) })) {
    const outcome = await trial.callAndStop(plugin, run, 0);
    if (outcome.type === 'silent')
      problems.push(`${name} went on for more than ${trial.stopMs} ms after its signal was aborted`);
    problems.push(...strangeError(name, outcome));
  }
  return problems;
}

function storeHangs(trial: SnapshotTrial): Promise<readonly string[]> {
  return throughTrouble(trial, trial.subject.outside?.hang, async (name, plugin, run) =>
    objectionsToSilence(name, await trial.callAndStop(plugin, run, HANG_MS)),
  );
}

function objectionsToSilence(name: string, outcome: Outcome): string[] {
  if (outcome.type === 'silent')
    return [`${name} does not end when its signal is aborted while the store is silent: pass the signal on`];
  return [...untrue(name, outcome, 'is silent'), ...strangeError(name, outcome)];
}

function storeFails(trial: SnapshotTrial): Promise<readonly string[]> {
  return throughTrouble(trial, trial.subject.outside?.fail, async (name, plugin, run) =>
    objectionsToFailure(name, await trial.call(plugin, run)),
  );
}

function objectionsToFailure(name: string, outcome: Outcome): string[] {
  if (outcome.type === 'silent') return failureOf(name, outcome);
  if (outcome.type === 'answered') return untrue(name, outcome, 'fails');
  const lasting = isPermanent(outcome.error)
    ? [`${name} threw ${wordsOf(outcome.error)}, which is permanent, although the store may come back`]
    : [];
  return [...lasting, ...strangeError(name, outcome)];
}

/** Two answers nobody can give who has not reached the store: that the data is there, and that it is gone. */
function untrue(name: string, outcome: Outcome, how: string): string[] {
  const answer = outcome.type === 'answered' ? outcome.answer : undefined;
  const ready = typeof answer === 'object' && answer !== null && 'ready' in answer && answer.ready === true;
  if (name === 'snapshotComplete' && ready) return [`snapshotComplete says "ready" while the store ${how}`];
  if (name === 'snapshotDelete' && answer === true)
    return [`snapshotDelete says that the data is gone while the store ${how}: let the error through`];
  return [];
}

type Trouble = (() => Undo | Promise<Undo>) | undefined;
type Look = (name: string, plugin: SnapshotPlugin, run: PluginCall<unknown>) => Promise<readonly string[]>;

/** A snapshot whose capture meets the trouble, is completed after it, and whose removal meets it again. */
async function throughTrouble(trial: SnapshotTrial, trouble: Trouble, look: Look): Promise<readonly string[]> {
  const plugin = await trial.plugin();
  const begun = await trial.begin(plugin);
  const during = (calls: Functions) => meanwhile(trouble, calls, (name, run) => look(name, plugin, run));
  const problems = await during(captureCalls(trial, begun));
  const captured = await goneOn(trial, plugin, begun);
  problems.push(...(await during(removalCalls(trial, captured))));
  await trial.removed(plugin, captured);
  await trial.cleaned(plugin, captured.state);
  return problems;
}

/** Makes each of the calls while the world outside is as `begin` makes it. */
async function meanwhile(
  begin: Trouble,
  calls: Functions,
  look: (name: string, run: PluginCall<unknown>) => Promise<readonly string[]>,
): Promise<string[]> {
  const problems: string[] = [];
  const undo = await begin?.();
  try {
    for (const [name, run] of Object.entries(calls)) problems.push(...(await look(name, run)));
  } finally {
    await undo?.();
  }
  return problems;
}

/** As the framework does it: what is over is tidied up and begun anew, all else is asked again. */
async function goneOn(trial: SnapshotTrial, plugin: SnapshotPlugin, begun: Begun): Promise<Begun> {
  let current = begun;
  let last: unknown;
  const again = async () => {
    if (isOver(last)) {
      await trial.cleaned(plugin, current.state);
      current = await trial.begin(plugin);
    }
    return trial.complete(plugin, current);
  };
  const ask = async () => {
    try {
      const answer = await again();
      last = undefined;
      current = { handle: current.handle, state: answer.state ?? current.state };
      return answer.ready ? current : undefined;
    } catch (error) {
      last = error;
      return undefined;
    }
  };
  return trial.asked('once the store works again, the capture did not become ready', ask).catch((error: unknown) => {
    throw last === undefined ? error : new Error(`${wordsOf(error)}; last: ${wordsOf(last)}`);
  });
}

async function badParameters({ subject }: SnapshotTrial): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const parameters of subject.badParameters ?? []) {
    const trial = new SnapshotTrial(subject, { parameters });
    const plugin = await trial.plugin();
    const outcome = await trial.call(plugin, (it, signal) => it.snapshot(trial.captureParams({ signal })));
    // With the parameters that work: nobody can tidy up with the others.
    if (outcome.type === 'answered') await removeWith(subject, plugin, trial.key);
    problems.push(...objectionsToRefusal(`parameters ${JSON.stringify(parameters)}`, outcome));
  }
  return problems;
}

async function removeWith(subject: SnapshotSubject, plugin: SnapshotPlugin, key: string): Promise<void> {
  const handle = plugin.handleOf?.(key);
  const trial = new SnapshotTrial(subject, { key });
  if (handle !== undefined) await trial.removed(plugin, { handle });
  await trial.cleaned(plugin);
}

function objectionsToRefusal(what: string, outcome: Outcome): string[] {
  if (outcome.type === 'answered') return [`${what} were not refused`];
  if (outcome.type === 'silent') return failureOf(`snapshot, with ${what},`, outcome);
  if (isPermanent(outcome.error)) return [];
  return [
    ...strangeError('snapshot', outcome),
    `${what} were refused with ${wordsOf(outcome.error)}, which is tried again at once and for ever: throw PermanentError`,
  ];
}

/** Told by one of the two functions, in the end. */
async function captureFails({ subject }: SnapshotTrial): Promise<readonly string[]> {
  const trial = new SnapshotTrial(
    subject,
    subject.failingSource === undefined ? {} : { source: subject.failingSource },
  );
  const plugin = await trial.plugin();
  let begun: Begun | undefined;
  let last: unknown;
  const ask = async (): Promise<readonly string[] | undefined> => {
    try {
      begun ??= await trial.begin(plugin);
      const answer = await trial.complete(plugin, begun);
      begun = { handle: begun.handle, state: answer.state ?? begun.state };
      return answer.ready ? ['snapshotComplete says "ready" of a capture that must fail'] : undefined;
    } catch (error) {
      last = error;
      return isOver(error) ? [] : undefined;
    }
  };
  const found = await trial
    .asked('', ask)
    .catch(() => [
      `a capture that fails was not told as such within ${trial.limitMs} ms${last === undefined ? '' : ` (last: ${wordsOf(last)})`}: throw PermanentError or AttemptFailedError`,
    ]);
  await trial.forget();
  return found;
}

/** Whether this is the end of the attempt; also for errors of another copy of this package. */
function isOver(error: unknown): boolean {
  return isError(error) && (isPermanent(error) || 'attemptOver' in error);
}

/** Does to a snapshot plugin what the framework may do to it in the life of a snapshot, and says in plain words what it got wrong. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PluginState } from '../plugin.ts';
import type { CaptureParams, HandleParams, SnapshotAnswer, SnapshotPlugin } from '../snapshot-plugin.ts';
import { type ConformanceReport, describeReport, type Problem } from './report.ts';
import { wordsOf } from './rule.ts';
import { silentLogger } from './silent-logger.ts';

export interface SnapshotSubject {
  /** Makes the plugin anew, as a restart of the controller would: nothing may be kept in memory between two of them but the work itself. */
  readonly plugin: () => SnapshotPlugin | Promise<SnapshotPlugin>;
  /** A volume that can be captured. */
  readonly source: CaptureParams<unknown>['source'];
  /** Of the VolumeSnapshotClass; none unless told. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly secret?: CaptureParams<unknown>['secret'];
  /** How long a capture may take in milliseconds; a minute unless told. */
  readonly limitMs?: number;
}

interface Trial {
  readonly subject: SnapshotSubject;
  readonly key: string;
}

type Rule = readonly [name: string, check: (trial: Trial) => Promise<string | undefined>];

const rules: readonly Rule[] = [
  [
    'a capture that is begun twice is one capture, and becomes ready',
    async (trial) => {
      const plugin = await trial.subject.plugin();
      const first = await plugin.snapshot(captureParams(trial, undefined));
      const second = await plugin.snapshot(captureParams(trial, first.state));
      if (first.handle !== second.handle) return `the same key got the handles ${first.handle} and ${second.handle}`;
      const told = plugin.handleOf?.(trial.key) ?? first.handle;
      if (told !== first.handle) return `handleOf said ${told}, and snapshot ${first.handle}`;
      await ready(trial, plugin, { handle: first.handle, state: second.state });
      return undefined;
    },
  ],
  [
    'a ready snapshot outlives a restart and its clean-up, and is told of in the same way',
    async (trial) => {
      const before = await captured(trial);
      const plugin = await trial.subject.plugin();
      for (let call = 0; call < 2; call++) await plugin.snapshotCleanup?.(captureParams(trial, before.state));
      const after = await ready(trial, plugin, before);
      const { cutAt, restoreSize } = before.answer;
      if (after.cutAt?.getTime() !== cutAt?.getTime()) return 'cutAt is another one after a restart';
      return after.restoreSize === restoreSize ? undefined : 'restoreSize is another one after a restart';
    },
  ],
  [
    'a snapshot that is deleted twice is gone, and no import finds it',
    async (trial) => {
      const { handle, state } = await captured(trial);
      const plugin = await trial.subject.plugin();
      for (let call = 0; call < 2; call++) await removed(trial, plugin, { handle, state });
      const params = { ...handleParams(trial, { handle, state: undefined }), source: undefined };
      const failure = await plugin.snapshotComplete(params).then(
        () => undefined,
        (error: unknown) => error,
      );
      const code = typeof failure === 'object' && failure !== null && 'code' in failure ? failure.code : undefined;
      return code === 'SnapshotNotFound'
        ? undefined
        : `an unknown handle must throw PermanentError SnapshotNotFound, not ${wordsOf(failure)}`;
    },
  ],
  [
    'a capture that is cancelled is gone',
    async (trial) => {
      const plugin = await trial.subject.plugin();
      const begun = await plugin.snapshot(captureParams(trial, undefined));
      await removed(trial, plugin, begun);
      await plugin.snapshotCleanup?.(captureParams(trial, begun.state));
      return undefined;
    },
  ],
  [
    'what was never begun can be deleted and tidied up',
    async (trial) => {
      const plugin = await trial.subject.plugin();
      await plugin.snapshotCleanup?.(captureParams(trial, undefined));
      const handle = plugin.handleOf?.(trial.key);
      if (handle !== undefined) await removed(trial, plugin, { handle });
      return undefined;
    },
  ],
];

/** Holds the plugin to every rule, each with a snapshot of its own, and removes what it made. */
export async function checkSnapshotPlugin(subject: SnapshotSubject): Promise<ConformanceReport> {
  const { name } = await subject.plugin();
  const passed: string[] = [];
  const problems: Problem[] = [];
  for (const [rule, check] of rules) {
    const trial = { subject, key: randomUUID() };
    const message = await check(trial).catch((error: unknown) => wordsOf(error));
    const left = await forget(trial).then(
      () => undefined,
      (error: unknown) => `what it made cannot be removed: ${wordsOf(error)}`,
    );
    const found = message ?? left;
    if (found === undefined) passed.push(rule);
    else problems.push({ rule, message: found });
  }
  return { plugin: name, passed, skipped: [], problems };
}

/** @throws Error with the report, where the plugin broke a rule. */
export async function assertSnapshotsConform(subject: SnapshotSubject): Promise<void> {
  const report = await checkSnapshotPlugin(subject);
  if (report.problems.length > 0) throw new Error(describeReport(report));
}

interface Begun {
  readonly handle: string;
  readonly state?: PluginState | undefined;
}

async function captured(trial: Trial): Promise<Begun & { readonly answer: SnapshotAnswer }> {
  const plugin = await trial.subject.plugin();
  const begun = await plugin.snapshot(captureParams(trial, undefined));
  const answer = await ready(trial, plugin, begun);
  return { handle: begun.handle, state: answer.state ?? begun.state, answer };
}

function ready(trial: Trial, plugin: SnapshotPlugin, begun: Begun): Promise<SnapshotAnswer> {
  let { state } = begun;
  return asked(trial, 'the snapshot did not become ready', async () => {
    const answer = await plugin.snapshotComplete(handleParams(trial, { ...begun, state }));
    state = answer.state ?? state;
    return answer.ready ? answer : undefined;
  });
}

function removed(trial: Trial, plugin: SnapshotPlugin, begun: Begun): Promise<true> {
  const ask = async () => ((await plugin.snapshotDelete(handleParams(trial, begun))) ? (true as const) : undefined);
  return asked(trial, 'the snapshot was not removed', ask);
}

async function asked<T>({ subject }: Trial, what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const limitMs = subject.limitMs ?? 60_000;
  const end = performance.now() + limitMs;
  do {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(50);
  } while (performance.now() < end);
  throw new Error(`${what} within ${limitMs} ms`);
}

async function forget(trial: Trial): Promise<void> {
  const plugin = await trial.subject.plugin();
  const handle = plugin.handleOf?.(trial.key);
  if (handle !== undefined) await removed(trial, plugin, { handle });
  await plugin.snapshotCleanup?.(captureParams(trial, undefined));
}

const never = new AbortController().signal;

function captureParams({ subject, key }: Trial, state: PluginState | undefined): CaptureParams<unknown> {
  return {
    key,
    content: { name: `snapcontent-${key}`, uid: key },
    snapshot: { namespace: subject.source.namespace, name: 'conformance', uid: key },
    parameters: subject.parameters ?? {},
    secret: subject.secret,
    sourceVolumeMode: 'Filesystem',
    state,
    logger: silentLogger,
    signal: never,
    source: subject.source,
  };
}

function handleParams(trial: Trial, { handle, state }: Begun): HandleParams<unknown> {
  return { ...captureParams(trial, state), handle };
}

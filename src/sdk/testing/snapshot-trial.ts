/** One snapshot of the plugin under examination: calls as the framework makes them, each watched. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PluginState } from '../plugin.ts';
import type { CaptureParams, HandleParams, SnapshotAnswer, SnapshotPlugin } from '../snapshot-plugin.ts';
import { failureOf, isError } from './rule.ts';
import { silentLogger } from './silent-logger.ts';
import type { SnapshotSubject } from './snapshot-subject.ts';
import { type Outcome, watch } from './trial.ts';

const DEFAULT_CALL_MS = 30_000;
const DEFAULT_STOP_MS = 1_000;
const DEFAULT_LIMIT_MS = 60_000;
const PAUSE_MS = 50;

/** What is known of a capture once `snapshot` has answered. */
export interface Begun {
  readonly handle: string;
  readonly state?: PluginState | undefined;
}

export type Captured = Begun & { readonly answer: SnapshotAnswer };

type Source = CaptureParams<unknown>['source'];

/** Changes of the parameters that the calls of a rule get. */
export interface Given {
  readonly source?: Source;
  readonly parameters?: Readonly<Record<string, string>>;
  /** Of another trial, whose snapshot is meant; a new one where absent. */
  readonly key?: string;
}

/** Called with the signal of the call, as the framework does. */
export type PluginCall<T> = (plugin: SnapshotPlugin, signal: AbortSignal) => Promise<T>;

export class SnapshotTrial {
  readonly subject: SnapshotSubject;
  readonly key: string;
  readonly #given: Given;

  constructor(subject: SnapshotSubject, given: Given = {}) {
    this.subject = subject;
    this.key = given.key ?? randomUUID();
    this.#given = given;
  }

  get stopMs(): number {
    return this.subject.limits?.stopMs ?? DEFAULT_STOP_MS;
  }

  get limitMs(): number {
    return this.subject.limitMs ?? DEFAULT_LIMIT_MS;
  }

  /** The plugin as after a restart. */
  async plugin(): Promise<SnapshotPlugin> {
    return this.subject.plugin();
  }

  /** Within the time of a call. */
  call<T>(plugin: SnapshotPlugin, run: PluginCall<T>): Promise<Outcome> {
    const limitMs = this.subject.limits?.callMs ?? plugin.callTimeoutMs ?? DEFAULT_CALL_MS;
    return watch((signal) => run(plugin, signal), new AbortController(), limitMs);
  }

  /** Told to stop after that time; then it has a little more. */
  callAndStop<T>(plugin: SnapshotPlugin, run: PluginCall<T>, afterMs: number): Promise<Outcome> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(new Error('told to stop')), afterMs);
    return watch((signal) => run(plugin, signal), stop, afterMs + this.stopMs).finally(() => clearTimeout(timer));
  }

  /** The answer of a call that had to work; what it threw, or an Error that says that it was silent. */
  async answer<T>(plugin: SnapshotPlugin, what: string, run: PluginCall<T>): Promise<T> {
    const outcome = await this.call(plugin, run);
    if (outcome.type === 'answered') return outcome.answer as T;
    if (outcome.type === 'threw' && isError(outcome.error)) throw outcome.error;
    throw new Error(failureOf(what, outcome).join('; '));
  }

  begin(plugin: SnapshotPlugin, state?: PluginState): Promise<Begun> {
    return this.answer(plugin, 'snapshot', (it, signal) => it.snapshot(this.captureParams({ state, signal })));
  }

  /** @throws the plugin's own error, or one that says that it took too long. */
  async ready(plugin: SnapshotPlugin, begun: Begun): Promise<Captured> {
    let { state } = begun;
    return this.asked('the snapshot did not become ready', async () => {
      const answer = await this.complete(plugin, { ...begun, state });
      state = answer.state ?? state;
      return answer.ready ? { handle: begun.handle, state, answer } : undefined;
    });
  }

  complete(plugin: SnapshotPlugin, begun: Begun): Promise<SnapshotAnswer> {
    return this.answer(plugin, 'snapshotComplete', (it, signal) =>
      it.snapshotComplete(this.handleParams({ ...begun, signal })),
    );
  }

  async captured(): Promise<Captured> {
    const plugin = await this.plugin();
    return this.ready(plugin, await this.begin(plugin));
  }

  /** Deleted, as often as the plugin asks for. */
  removed(plugin: SnapshotPlugin, begun: Begun): Promise<true> {
    return this.asked('the snapshot was not removed', async () => {
      const gone = await this.answer(plugin, 'snapshotDelete', (it, signal) =>
        it.snapshotDelete(this.handleParams({ ...begun, signal })),
      );
      return gone ? (true as const) : undefined;
    });
  }

  async cleaned(plugin: SnapshotPlugin, state?: PluginState): Promise<void> {
    await this.answer(plugin, 'snapshotCleanup', async (it, signal) =>
      it.snapshotCleanup?.(this.captureParams({ state, signal })),
    );
  }

  /** Asked as for an import: who has not taken it knows nothing of it but the handle. */
  look(plugin: SnapshotPlugin, handle: string): Promise<Outcome> {
    return this.call(plugin, (it, signal) =>
      it.snapshotComplete({ ...this.handleParams({ handle, signal }), source: undefined }),
    );
  }

  async asked<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
    const end = performance.now() + this.limitMs;
    do {
      const answer = await ask();
      if (answer !== undefined) return answer;
      await sleep(PAUSE_MS);
    } while (performance.now() < end);
    throw new Error(`${what} within ${this.limitMs} ms`);
  }

  /** What a rule has made must not stand in the way of the next one. */
  async forget(): Promise<void> {
    const plugin = await this.plugin();
    const handle = plugin.handleOf?.(this.key);
    if (handle !== undefined) await this.removed(plugin, { handle });
    await this.cleaned(plugin);
  }

  captureParams({ state, signal }: { readonly state?: PluginState | undefined; readonly signal: AbortSignal }) {
    const { subject, key } = this;
    const source = this.#given.source ?? subject.source;
    return {
      key,
      content: { name: `snapcontent-${key}`, uid: key, createdAt: '2026-01-02T03:04:05Z' },
      snapshot: { namespace: source.namespace, name: 'conformance', uid: key },
      parameters: this.#given.parameters ?? subject.parameters ?? {},
      secret: subject.secret,
      sourceVolumeMode: 'Filesystem',
      state,
      logger: silentLogger,
      signal,
      source,
    } satisfies CaptureParams<unknown>;
  }

  handleParams({ handle, state, signal }: Begun & { readonly signal: AbortSignal }): HandleParams<unknown> {
    return { ...this.captureParams({ state, signal }), handle };
  }
}

/** One plugin under examination: calls as the framework makes them, each watched. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Claim, Volume, VolumeMode } from '../../api/objects.ts';
import type { Plugin, PluginState, PopulateParams } from '../plugin.ts';
import type { Subject } from './subject.ts';
import { silentLogger } from './silent-logger.ts';

export type Outcome =
  | { readonly type: 'answered'; readonly answer: unknown }
  | { readonly type: 'threw'; readonly error: unknown }
  /** No answer within the time of a call, or after being told to stop. */
  | { readonly type: 'silent' };

export interface ParamsOptions {
  readonly attempt?: number;
  readonly state?: PluginState | undefined;
  readonly spec?: unknown;
  readonly volumeMode?: VolumeMode;
  readonly signal?: AbortSignal;
}

export interface Trial {
  readonly subject: Subject;
  readonly callMs: number;
  readonly stopMs: number;
  /** The plugin as after a restart, where the subject can make it anew. */
  plugin(): Promise<Plugin>;
  /** Of one claim of this trial. Frozen to the bottom: what a plugin is given is not its own. */
  params(options?: ParamsOptions): PopulateParams<unknown>;
  /** Runs a function of the plugin within the time of a call. */
  call(run: (signal: AbortSignal) => unknown): Promise<Outcome>;
  /** Runs it, tells it to stop after a moment, and gives it a little time for that. */
  callAndStop(run: (signal: AbortSignal) => unknown, afterMs: number): Promise<Outcome>;
}

/** @param label keeps the attempts of one rule apart from those of the others. */
export function createTrial(subject: Subject, label: string): Trial {
  const { callMs = 5_000, stopMs = 1_000 } = subject.limits ?? {};
  const uid = `${label}-${randomUUID()}`;
  return {
    subject,
    callMs,
    stopMs,
    plugin: async () => (typeof subject.plugin === 'function' ? subject.plugin() : subject.plugin),
    params: (options = {}) => paramsOf(subject, uid, options),
    call: (run) => watch(run, new AbortController(), callMs),
    callAndStop: (run, afterMs) => {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(new Error('told to stop')), afterMs);
      return watch(run, stop, afterMs + stopMs).finally(() => clearTimeout(timer));
    },
  };
}

/** What came of a call within that time (milliseconds). Its signal is aborted by `stop`, and at the end of the time. */
export async function watch(
  run: (signal: AbortSignal) => unknown,
  stop: AbortController,
  limitMs: number,
): Promise<Outcome> {
  const over = new AbortController();
  const running = Promise.resolve()
    .then(() => run(stop.signal))
    .then(
      (answer): Outcome => ({ type: 'answered', answer }),
      (error: unknown): Outcome => ({ type: 'threw', error }),
    );
  const late = delay(limitMs, { type: 'silent' } as const, { signal: over.signal }).catch(
    () => ({ type: 'silent' }) as const,
  );
  const outcome = await Promise.race([running, late]);
  over.abort();
  stop.abort(new Error('the time for the call is over'));
  return outcome;
}

function paramsOf({ spec }: Subject, uid: string, options: ParamsOptions): PopulateParams<unknown> {
  const { attempt = 1, state, volumeMode = 'Filesystem', signal = new AbortController().signal } = options;
  const meta = (name: string) => ({
    name,
    namespace: 'conformance',
    uid: name,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  });
  const claim: Claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { ...meta('data'), uid },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, volumeMode },
  };
  const volume: Volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: meta(`pvc-${uid}`),
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      volumeMode,
      // One volume for each attempt: what an attempt left is never given to the next one of a plugin without a pod.
      csi: { driver: 'csi.conformance.example', volumeHandle: `volume-${uid}-${attempt}` },
    },
  };
  const frozen = deepFreeze({
    source: {
      namespace: 'conformance',
      name: 'source',
      uid: 'source',
      generation: 1,
      spec: structuredClone('spec' in options ? options.spec : spec),
    },
    claim: { namespace: 'conformance', name: 'data', uid },
    home: 'conformance',
    marks: {
      labels: {},
      annotations: {},
      ownerReferences: [],
      record: { kind: 'Population' as const, uid: 'record-1', createdAt: undefined },
    },
    attempt: { number: attempt, id: `${uid}-${attempt}` },
    state: state === undefined ? undefined : (JSON.parse(JSON.stringify(state)) as PluginState),
    prepared: undefined,
    claimObject: claim,
    storageClass: undefined,
    prime: { ...claim, metadata: meta(`volprime-${uid}`) },
    volume,
  });
  return { ...frozen, logger: silentLogger, signal };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}

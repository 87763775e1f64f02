/**
 * No word of another namespace's spec, status, pod, server or plugin appears in any write into the claim's namespace. Each foreign string of the world
 * is a canary; the real observe, decide, act and report run, with a client that records.
 */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { aClaim, aClass, aPod, aPopulation, aPrime, aVolume, EARLIER, NOW, UID } from '../../test/support/objects.ts';
import { silent } from '../../test/support/silent-logger.ts';
import { CLAIM_FINALIZER } from '../api/names.ts';
import type { KubeObject } from '../api/objects.ts';
import { proofFor } from '../api/proof.ts';
import type { ReferenceGrant } from '../api/reference-grant.ts';
import { MemoryStore } from '../informer/index.ts';
import type { EventDraft } from '../runtime/index.ts';
import { AttemptFailedError, definePlugin, foreign, PermanentError, TemporaryError } from '../sdk/index.ts';
import { act } from './act.ts';
import type { StepContext } from './context.ts';
import { decide } from './decide.ts';
import { claimIndexes, grantIndexes, podIndexes, populationIndexes, volumeIndexes } from './map.ts';
import { Memory } from './memory.ts';
import { observe, sourceStoreKey } from './observe.ts';
import { Pace } from './pace.ts';
import { PluginRegistry } from './plugin-registry.ts';
import { report } from './report.ts';

const POPULATORS = 'volprime-populators';
const CANARY = 's3:https://canary.bob.svc:9000/canary-bucket via 10.9.8.7';
const leaks = (value: unknown) => /canary|10\.9\.8\.7/i.test(JSON.stringify(value) ?? '');

const terminated = (exitCode: number, message: string) => ({ terminated: { exitCode, message, reason: CANARY } });
const failedReport = (reason: string) =>
  JSON.stringify({ outcome: 'failed', reason, message: CANARY, permanent: false });
const succeeded = JSON.stringify({ outcome: 'succeeded', targets: [{ verification: 'plugin', digest: CANARY }] });

const podStatus = fc
  .record({
    phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed'),
    state: fc.constantFrom(
      { waiting: { reason: 'ErrImagePull', message: CANARY } },
      { waiting: { reason: 'CreateContainerConfigError', message: CANARY } },
      { waiting: { reason: 'ContainerCreating' } },
      { running: {} },
      terminated(0, succeeded),
      terminated(0, CANARY),
      terminated(3, CANARY),
      terminated(1, failedReport('CanaryBucket')),
      terminated(1, failedReport('SourceNotFound')),
    ),
    condition: fc.constantFrom(
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: CANARY },
      { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager', message: CANARY },
      { type: 'Ready', status: 'False', message: CANARY },
    ),
    reason: fc.constantFrom(undefined, 'Evicted', CANARY),
  })
  .map(({ phase, state, condition, reason }) => ({
    phase,
    startTime: EARLIER,
    message: CANARY,
    ...(reason !== undefined && { reason }),
    conditions: [condition],
    containerStatuses: [{ name: 'populator', state }],
  }));

const answers = fc.constantFrom<() => never | object>(
  () => {
    throw new PermanentError('CanaryBucket', CANARY);
  },
  () => {
    throw new TemporaryError(CANARY, 1);
  },
  () => {
    throw new AttemptFailedError('SourceStalled', CANARY);
  },
  () => {
    throw new Error(CANARY);
  },
  () => ({ done: false, reason: 'CanaryBucket', message: CANARY, mood: 'blocked', pollAfterMs: 3_600_000 }),
  () => ({
    done: false,
    reason: 'SnapshotNotReady',
    message: ['not ready', foreign(CANARY)],
    mood: 'blocked',
    pollAfterMs: 3_600_000,
  }),
  () => ({ done: true, result: { digest: CANARY } }),
  () => ({ done: true }),
);

const writes = fc.constantFrom(
  { type: 'done' },
  { type: 'absent' },
  { type: 'conflict', message: CANARY },
  { type: 'refused', reason: 'Forbidden', message: CANARY },
);

const world = fc.record({
  /** The source is elsewhere, or stands in the claim's namespace for data elsewhere. */
  source: fc.constantFrom('bob', 'alice'),
  path: fc.constantFrom('pod', 'calls'),
  stage: fc.constantFrom('unprotected', 'recorded', 'prime', 'bound', 'attempt', 'failed'),
  deleting: fc.boolean(),
  podDeleting: fc.boolean(),
  status: podStatus,
  answer: answers,
  write: writes,
});
type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

/** An answer without an object: what is decided next rests on the objects as they were and on what this process knows. */
function answerOf(write: World['write']) {
  return write.type === 'done' ? { type: 'conflict', message: CANARY } : write;
}

function contextOf(w: World) {
  const { answer, write } = w;
  const call = async () => answer() as never;
  const base = {
    name: 'transfer',
    source: { group: 'provider.example.com', version: 'v1', kind: 'Provider' },
    schema: { parse: (spec: unknown) => spec },
    dataNamespace: () => 'bob',
    prepare: call,
    populateCleanup: call,
  };
  const pod = () => (w.stage === 'attempt' ? { image: CANARY } : (answer() as never));
  const plugin =
    w.path === 'pod'
      ? definePlugin({ ...base, pod, reports: true })
      : definePlugin({ ...base, populate: call, populateComplete: call });
  const plugins = new PluginRegistry([plugin]);
  const stores = {
    claims: new MemoryStore({ indexes: claimIndexes(plugins) }),
    volumes: new MemoryStore({ indexes: volumeIndexes }),
    pods: new MemoryStore({ indexes: podIndexes }),
    populations: new MemoryStore({ indexes: populationIndexes }),
    storageClasses: new MemoryStore(),
    sources: new Map([[sourceStoreKey('provider.example.com', 'Provider'), new MemoryStore()]]),
    grants: new MemoryStore<ReferenceGrant>({ indexes: grantIndexes }),
  };
  const told: object[] = [];
  const events: EventDraft[] = [];
  const record = (resource: { kind: string }, namespace: string | undefined, body: object) => {
    if (namespace === 'alice') told.push({ kind: resource.kind, body });
    return answerOf(write);
  };
  const client = {
    get: async () => undefined,
    create: async (resource: { kind: string }, body: KubeObject) => record(resource, body.metadata.namespace, body),
    mergePatch: async (resource: { kind: string }, key: { namespace?: string }, body: object) =>
      record(resource, key.namespace, body),
    delete: async () => answerOf(write),
    podLog: async () => `${CANARY}\n{"progress":{"percent":7,"note":"${CANARY}"}}\n${CANARY}`,
  };
  const labels: object[] = [];
  const series = { inc: (label: object) => void labels.push(label), observe: () => {}, zero: () => {} };
  let now = NOW;
  const context = {
    client,
    stores,
    plugins,
    memory: new Memory(),
    pace: new Pace(),
    events: { emit: (event: EventDraft) => void events.push(event) },
    metrics: { operationSeconds: series, bytes: series, failures: series, writeConflicts: series },
    config: { populatorImage: 'image', podSettings: {}, populatorNamespace: POPULATORS, passThrough: true },
    logger: silent,
    signal: new AbortController().signal,
    now: () => now,
  } as unknown as StepContext;
  return { context, stores, told, events, labels, later: () => (now += 30_000) };
}

function fill(w: World, { stores }: ReturnType<typeof contextOf>): void {
  const spec = { sourceURL: CANARY };
  const sourceMeta = { name: 'provider1', namespace: w.source, uid: 'source-1', generation: 1, resourceVersion: '1' };
  const source = {
    apiVersion: 'provider.example.com/v1',
    kind: 'Provider',
    metadata: { ...sourceMeta, creationTimestamp: EARLIER },
  };
  const [of] = stores.sources.values();
  // A source of alice stands for bob's data by its name alone.
  of?.apply({ ...source, ...(w.source === 'bob' && { spec }) });
  stores.grants.apply({
    apiVersion: 'gateway.networking.k8s.io/v1beta1',
    kind: 'ReferenceGrant',
    metadata: { name: 'g', namespace: 'bob', uid: 'g', resourceVersion: '1', creationTimestamp: EARLIER },
    spec: {
      from: [{ group: '', kind: 'PersistentVolumeClaim', namespace: 'alice' }],
      to: [{ group: 'provider.example.com', kind: 'Provider' }],
    },
  });
  stores.storageClasses.apply(aClass());
  const ref = { apiGroup: 'provider.example.com', kind: 'Provider', name: 'provider1' };
  const dataSourceRef = w.source === 'bob' ? { ...ref, namespace: 'bob' } : ref;
  const finalizers = w.stage === 'unprotected' ? [] : [CLAIM_FINALIZER];
  const going = w.deleting && w.stage !== 'unprotected' ? { deletionTimestamp: EARLIER } : {};
  stores.claims.apply(aClaim({ meta: { namespace: 'alice', finalizers, ...going }, spec: { dataSourceRef } }));
  if (w.stage === 'unprotected') return;
  const attempt = ['attempt', 'failed'].includes(w.stage);
  const pinned = { namespace: w.source, uid: 'source-1', generation: 1, ...(w.source === 'alice' && { spec: {} }) };
  const population = aPopulation(
    attempt
      ? {
          attempt: 1,
          prime: { name: aPrime().metadata.name, namespace: POPULATORS, uid: 'prime-1' },
          volume: { name: 'pv-1', uid: 'volume-1' },
          ...(w.stage === 'failed' && { failedAttempt: 1, failures: 1 }),
        }
      : {},
    { meta: { namespace: 'alice' }, pinned },
  );
  stores.populations.apply({ ...population, spec: { ...population.spec, populatorNamespace: POPULATORS } });
  if (w.stage === 'recorded') return;
  const bound = w.stage !== 'prime';
  const annotations = {
    ...proofFor({ kind: 'Population', uid: 'population-1' }),
    'volprime.dev/pinned-source': JSON.stringify({ ...pinned, spec }),
  };
  const labels = { 'volprime.dev/claim-uid': UID, 'app.kubernetes.io/managed-by': 'volprime' };
  // An owner in another namespace counts as gone, so what lies there has none.
  const primeMeta = { namespace: POPULATORS, annotations, labels, ownerReferences: [] };
  stores.claims.apply(
    aPrime({ meta: primeMeta, ...(bound && { spec: { volumeName: 'pv-1' }, phase: 'Bound' as const }) }),
  );
  if (!bound) return;
  stores.volumes.apply(aVolume('prime-1'));
  if (!attempt || w.path !== 'pod') return;
  const meta = { ...primeMeta, ...(w.podDeleting && { deletionTimestamp: EARLIER }) };
  const made = aPod(1, w.status, meta);
  stores.pods.apply({ ...made, spec: { ...made.spec, nodeName: CANARY } });
}

async function play(w: World) {
  const ground = contextOf(w);
  fill(w, ground);
  for (let step = 0; step < 8; step++) {
    const o = observe(ground.context, UID);
    const action = decide(o, ground.context.now());
    const outcome = await act(ground.context, o, action);
    await report(ground.context, o, action, outcome);
    // A step that the API server took tells of it, too.
    await report(ground.context, o, action, { type: 'done' });
    ground.later();
  }
  const { told, labels, events } = ground;
  const [inAlice, elsewhere] = [true, false].map((alice) =>
    events.filter(({ regarding }) => (regarding.metadata.namespace === 'alice') === alice),
  );
  const notes = (inAlice ?? []).map(({ reason, note, action }) => ({ reason, note, action }));
  return { written: { told, notes, labels }, elsewhere: elsewhere ?? [] };
}

test('attack: no word of another namespace is written into the claim’s', async () => {
  let writesSeen = 0;
  await fc.assert(
    fc.asyncProperty(world, async (w) => {
      const { written } = await play(w);
      writesSeen += written.told.length + written.notes.length;
      if (leaks(written)) expect(JSON.stringify(written, undefined, 1)).toBe('without the canary');
    }),
    { numRuns: 600 },
  );
  expect(writesSeen).toBeGreaterThan(500);
}, 60_000);

test('the owner of the source reads it in events on the source', async () => {
  const state = terminated(1, failedReport('SourceNotFound'));
  const { written, elsewhere } = await play({
    source: 'bob',
    path: 'pod',
    stage: 'attempt',
    deleting: false,
    podDeleting: false,
    status: {
      phase: 'Failed',
      startTime: EARLIER,
      message: CANARY,
      conditions: [{ type: 'Ready', status: 'False', message: CANARY }] as never,
      containerStatuses: [{ name: 'populator', state }],
    },
    answer: () => ({ done: true }),
    write: { type: 'done' },
  });
  expect(elsewhere).toContainEqual(
    expect.objectContaining({ reason: 'SourceNotFound', note: expect.stringContaining(CANARY) }),
  );
  expect(written.notes).toContainEqual(expect.objectContaining({ reason: 'SourceNotFound' }));
});

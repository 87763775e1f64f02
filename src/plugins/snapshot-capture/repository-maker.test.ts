/** Captures of one namespace against a cluster in memory: how many pods at a time may make a repository. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { aClaim, EARLIER, ended, NOW } from '../../../test/support/objects.ts';
import type { NewObject, Pod } from '../../api/objects.ts';
import type { CaptureParams, SnapshotAnswer } from '../../sdk/index.ts';
import { carryOn } from './carry-on.ts';
import { CloneMemory } from './clone-memory.ts';
import type { CaptureContext } from './context.ts';
import { captureParametersSchema, type CaptureParameters } from './parameters.ts';
import type { PodAccess } from './ports.ts';
import { giveUpTurn } from './repository-maker.ts';
import { RepositoryTurns } from './repository-turns.ts';
import { type CaptureState, writeState } from './state.ts';

const result = { takenAt: EARLIER, bytes: 1, files: 1, addedBytes: 1, changed: 0, durationMs: 1 };
const succeeded = ended(0, JSON.stringify({ outcome: 'captured', capture: result, verified: false }));
const failed = ended(
  1,
  JSON.stringify({ outcome: 'failed', reason: 'RepositoryUnreachable', message: 'm', permanent: false }),
);
const PROGRESS = JSON.stringify({ progress: { bytesDone: 0, files: 0 } });
const live: CaptureState = { route: 'live', hooks: [], quiesce: 'none' };
const podOf = (key: string) => `volprime-capture-${key}`;

let now: number;
let pods: Map<string, Pod>;
let logs: Map<string, string>;
let created: string[];
/** What a call for a new pod does, beside making it. */
let onCreate: () => Promise<void>;
let refuses: Set<string>;
let lists: number;
let context: CaptureContext;

beforeEach(() => {
  now = NOW;
  pods = new Map();
  logs = new Map();
  created = [];
  lists = 0;
  refuses = new Set();
  onCreate = async () => {};
  context = aController();
});

/** With what a process remembers, of its own. */
function aController(): CaptureContext {
  const podsIn = async (namespace: string) => {
    lists += 1;
    return [...pods.values()].filter(({ metadata }) => metadata.namespace === namespace);
  };
  return {
    ports: { live: access, podsIn, warn: () => {}, image: 'i', imagePullPolicy: undefined, podSettings: {} },
    cloneMemory: new CloneMemory(),
    repositoryTurns: new RepositoryTurns(),
    now: () => now,
  };
}

const access = {
  async get({ kind }, { namespace, name }) {
    const claim = name.startsWith('data-') ? aClaim({ meta: { name, ...(namespace && { namespace }) } }) : undefined;
    const found = kind === 'Pod' ? pods.get(name) : claim;
    return found as unknown as undefined;
  },
  async create(_resource, object: NewObject) {
    const name = object.metadata.name ?? '';
    if (refuses.has(name)) return { type: 'refused', reason: 'Forbidden', message: 'exceeded quota' };
    await onCreate();
    const creationTimestamp = new Date(now).toISOString();
    const pod = { ...object, metadata: { uid: name, resourceVersion: '1', creationTimestamp, ...object.metadata } };
    pods.set(name, { ...pod, status: { phase: 'Running' } } as unknown as Pod);
    created.push(name);
    return { type: 'done', object: pod as unknown as never };
  },
  async delete(_resource, { name }) {
    pods.delete(name);
    return { type: 'absent' };
  },
  async mergePatch() {
    return { type: 'absent' };
  },
  async podLog({ name }) {
    return logs.get(name);
  },
  async exec() {
    return { type: 'absent' };
  },
} as PodAccess;

interface Given {
  readonly namespace?: string;
  readonly secret?: string;
  readonly repositoryClaim?: string;
  readonly state?: CaptureState;
}

/** One call for the capture of that key, some time after the last. @returns the reason where it waits or fails. */
async function call(key: string, given: Given = {}, by = context): Promise<SnapshotAnswer | string> {
  now += 1_000;
  const { namespace = 'app', secret = 'repo', repositoryClaim, state = live } = given;
  const params: CaptureParams<CaptureParameters> = {
    key,
    content: { name: `content-${key}`, uid: `content-${key}`, createdAt: '2026-01-02T03:04:05Z' },
    snapshot: { namespace, name: key, uid: key },
    parameters: captureParametersSchema.parse({ clone: 'never', ...(repositoryClaim && { repositoryClaim }) }),
    secret: { namespace, name: secret },
    sourceVolumeMode: 'Filesystem',
    state: writeState(state),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    signal: new AbortController().signal,
    source: { namespace, claim: `data-${key}`, claimUid: aClaim().metadata.uid, volume: 'pv', capacityBytes: 1 },
  };
  return carryOn(by, params).catch((error: unknown) => (error as { code: string }).code);
}

function becomes(key: string, status: Pod['status'], more: Partial<Pod['metadata']> = {}): void {
  const pod = pods.get(podOf(key));
  if (pod === undefined) throw new Error(`no pod of ${key}`);
  const { status: _, ...rest } = pod;
  pods.set(podOf(key), { ...rest, metadata: { ...pod.metadata, ...more }, ...(status && { status }) });
}

describe('first captures of one repository', () => {
  test('at the same moment: one pod is made, the others name it', async () => {
    await Promise.all(['a', 'b', 'c'].map((key) => call(key)));
    expect(created).toHaveLength(1);
    const waiting = ['a', 'b', 'c'].filter((key) => podOf(key) !== created[0]);
    for (const key of waiting) expect(await call(key)).toBe('RepositoryBeingMade');
    expect(created).toHaveLength(1);
  });

  test('while the pod is asked for: a list that does not have it yet gives no turn', async () => {
    let answer = () => {};
    onCreate = () => new Promise((resolve) => (answer = resolve));
    const first = call('a');
    await new Promise(setImmediate);
    expect(await call('b')).toBe('RepositoryBeingMade');
    onCreate = async () => {};
    answer();
    await first;
    expect(created).toEqual([podOf('a')]);
  });

  test('after an answer that was lost: none for as long as the pod may come yet', async () => {
    onCreate = () => Promise.reject(new Error('connection reset'));
    await call('a');
    onCreate = async () => {};
    expect(await call('b')).toBe('RepositoryBeingMade');
    now += 120_000;
    await call('b');
    expect(created).toEqual([podOf('b')]);
  });

  test('all go, and side by side, once the first has told of its progress, at no other read than before', async () => {
    await call('a');
    logs.set(podOf('a'), 'a line without progress');
    await call('a');
    expect(await call('b')).toBe('RepositoryBeingMade');
    logs.set(podOf('a'), PROGRESS);
    expect(await call('a')).toMatchObject({ progress: { files: 0 } });
    lists = 0;
    await call('b');
    await call('c');
    expect(created).toEqual(['a', 'b', 'c'].map(podOf));
    // Two steps each: the pod is made, and looked at.
    expect(lists).toBe(4);
  });

  test('all go once one has succeeded, whoever sees it', async () => {
    await call('a');
    becomes('a', succeeded);
    await call('b');
    await call('c');
    expect(created).toHaveLength(3);
  });

  test('the next one goes when the first has failed, or is gone; not while it is being deleted', async () => {
    await call('a');
    becomes('a', { phase: 'Running' }, { deletionTimestamp: EARLIER });
    expect(await call('b')).toBe('RepositoryBeingMade');
    becomes('a', failed);
    await call('b');
    expect(await call('c')).toBe('RepositoryBeingMade');
    pods.delete(podOf('b'));
    await call('c');
    expect(created).toEqual(['a', 'b', 'c'].map(podOf));
  });

  test('a pod that cannot start keeps the others waiting, and makes room for them', async () => {
    await call('a');
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }];
    becomes('a', { phase: 'Pending', conditions });
    now += 10 * 60_000;
    expect(await call('a')).toBe('PodNotScheduled');
    expect(pods.has(podOf('a'))).toBe(true);
    expect(await call('b')).toBe('RepositoryBeingMade');
    expect(await call('a')).toBe('PodNotScheduled');
    expect(pods.has(podOf('a'))).toBe(false);
    await call('b');
    expect(await call('a')).toBe('RepositoryBeingMade');
  });

  test('a process that begins sees by the pods whom to wait for', async () => {
    await call('a');
    const next = aController();
    expect(await call('b', {}, next)).toBe('RepositoryBeingMade');
    expect(created).toEqual([podOf('a')]);
    logs.set(podOf('a'), PROGRESS);
    await call('a', {}, next);
    await call('b', {}, next);
    expect(created).toHaveLength(2);
  });

  test.each<[string, string, CaptureState]>([
    ['pod', podOf('a'), live],
    ['clone', 'volprime-clone-a', { ...live, route: 'clone', cloneSince: EARLIER }],
  ])('a capture whose %s is refused is not waited for', async (_what, refused, state) => {
    refuses.add(refused);
    expect(await call('a', { state })).toBe('Forbidden');
    await call('b');
    expect(created).toEqual([podOf('b')]);
  });

  test('who is asked to hold still has the turn, and loses it with its capture', async () => {
    const hooks = { ...live, quiesce: 'planned' } as const;
    expect(await call('a', { state: hooks })).toMatchObject({ state: { quiesce: 'held' } });
    expect(await call('b')).toBe('RepositoryBeingMade');
    giveUpTurn(context, { key: 'a' });
    await call('b');
    expect(created).toEqual([podOf('b')]);
  });
});

test.each<[string, Given]>([
  ['namespace', { namespace: 'elsewhere' }],
  ['Secret', { secret: 'other' }],
  ['claim', { repositoryClaim: 'store' }],
])('a repository of another %s is another', async (_what, given) => {
  await Promise.all([call('a'), call('b', given)]);
  expect(created).toHaveLength(2);
});

test.each([
  ['of another work', 'volprime-look-x', { 'volprime.dev/snapshot-key': 'x', 'volprime.dev/role': 'look' }],
  ['that has the labels and not the name', 'x', { 'volprime.dev/snapshot-key': 'x', 'volprime.dev/role': 'capture' }],
  ['of somebody', podOf('x'), {}],
])('a pod %s is not waited for', async (_what, name, labels) => {
  await call('a');
  const pod = pods.get(podOf('a'));
  pods.clear();
  if (pod !== undefined) pods.set(name, { ...pod, metadata: { ...pod.metadata, name, labels } });
  await call('b');
  expect(created).toEqual([podOf('a'), podOf('b')]);
});

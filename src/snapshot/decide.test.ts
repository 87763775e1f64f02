import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  aContent,
  anObservation,
  aRecord,
  aSnapshot,
  begun,
  deleted,
  KEY,
  NOW,
  plugin,
  snapshotGoes,
} from '../../test/support/snapshot-objects.ts';
import type { Action } from './action.ts';
import { decide } from './decide.ts';
import { isDeletionDecided, isReady } from './facts.ts';
import { nanoseconds } from './nanoseconds.ts';
import { noRemoval, type Observation } from './observation.ts';
import { REMOVAL_ATTEMPTS } from './tear-down.ts';

const HANDLE = `h:${KEY}`;
const started = { ...aRecord, handle: HANDLE };
const going = { ...snapshotGoes, ...begun };
const ready = { snapshotHandle: HANDLE, readyToUse: true, creationTime: 1 };
const cutAt = new Date(NOW - 1_000);
const answer = (more: object) => ({ ready: false, askAgainAt: NOW + 5_000, ...more });
const gone = { meta: { ...deleted, annotations: snapshotGoes }, status: ready };
const failedRemoval = { ...noRemoval, failures: REMOVAL_ATTEMPTS, since: NOW - 1_000, lastError: 'no pod' };

const table: [string, Observation, Partial<Action>][] = [
  ['a content of nobody here', anObservation({ content: aContent(), plugin: undefined }), { type: 'Ignore' }],
  ['a record of a later version', anObservation({ content: aContent(), record: 'unreadable' }), { type: 'Ignore' }],
  [
    'S0 without a UID',
    anObservation({ content: aContent({ spec: { volumeSnapshotRef: { name: 'first', namespace: 'app' } } }) }),
    { type: 'Wait' },
  ],
  [
    'S0 without its class',
    anObservation({ content: aContent({ spec: { volumeSnapshotClassName: 'none' } }) }),
    { type: 'RecordFailure', final: false },
  ],
  [
    'S0 without its claim',
    anObservation({ content: aContent(), snapshot: aSnapshot() }),
    { type: 'RecordFailure', final: false },
  ],
  [
    'S0, the annotation stands',
    anObservation({ content: aContent({ meta: { annotations: begun } }), record: aRecord }),
    { type: 'CallSnapshot' },
  ],
  [
    'S1, handle to be told',
    anObservation({ content: aContent({ meta: { annotations: begun } }), record: started }),
    { type: 'RecordFacts', facts: { handle: HANDLE }, ready: false },
  ],
  [
    'S1, to be asked after',
    anObservation({
      content: aContent({ meta: { annotations: begun }, status: { snapshotHandle: HANDLE } }),
      record: started,
    }),
    { type: 'CallComplete', handle: HANDLE },
  ],
  [
    'S2, cut',
    anObservation(
      { content: aContent({ meta: { annotations: begun }, status: { snapshotHandle: HANDLE } }), record: started },
      { answer: answer({ cutAt, restoreSize: 7 }) },
    ),
    { type: 'RecordFacts', facts: { cutAt, restoreSize: 7 }, ready: false },
  ],
  [
    'S2, what stands is not written again',
    anObservation(
      {
        content: aContent({
          meta: { annotations: begun },
          status: { snapshotHandle: HANDLE, creationTime: 1, restoreSize: 7 },
        }),
        record: started,
      },
      { answer: answer({ cutAt, restoreSize: 9 }) },
    ),
    { type: 'Wait' },
  ],
  [
    'S3, without a time of its own',
    anObservation(
      { content: aContent({ meta: { annotations: begun }, status: { snapshotHandle: HANDLE } }), record: started },
      { answer: answer({ ready: true, restoreSize: 0 }) },
    ),
    { type: 'RecordFacts', facts: { handle: HANDLE, cutAt: new Date(NOW) }, ready: true },
  ],
  [
    'ready, to be tidied up',
    anObservation({ content: aContent({ meta: { annotations: begun }, status: ready }), record: started }),
    { type: 'CallCleanup' },
  ],
  [
    'ready and tidied up',
    anObservation(
      { content: aContent({ meta: { annotations: begun }, status: ready }), record: started },
      { cleaned: true },
    ),
    { type: 'EndCapture' },
  ],
  ['at rest', anObservation({ content: aContent({ status: ready }), record: started }), { type: 'Ignore' }],
  [
    'another handle',
    anObservation({
      content: aContent({ meta: { annotations: begun }, status: { snapshotHandle: 'h:other' } }),
      record: started,
    }),
    { type: 'RecordFailure', final: true },
  ],
  [
    'failed for good',
    anObservation(
      { content: aContent({ meta: { annotations: begun } }), record: started },
      { ended: true, cleaned: true },
    ),
    { type: 'EndCapture' },
  ],
  [
    'begun anew',
    anObservation({ content: aContent(), record: started }),
    { type: 'BeginCapture', record: { ...aRecord, attempt: 2 } },
  ],
  [
    'S4',
    anObservation({ content: aContent({ spec: { source: { snapshotHandle: HANDLE } } }) }),
    { type: 'CallComplete', handle: HANDLE },
  ],
  [
    'S5, deleted alone',
    anObservation({ content: aContent({ meta: deleted, status: ready }), record: started }),
    { type: 'Ignore' },
  ],
  ['S5, Delete', anObservation({ content: aContent(gone), record: started }), { type: 'CallDelete', handle: HANDLE }],
  [
    'S5, Retain',
    anObservation({ content: aContent({ ...gone, spec: { deletionPolicy: 'Retain' } }), record: started }),
    { type: 'CallCleanup' },
  ],
  [
    'S5, in use',
    anObservation({
      content: aContent(gone),
      record: started,
      snapshot: aSnapshot({ finalizers: ['volprime.dev/snapshot-restore-protection'] }),
    }),
    { type: 'Wait' },
  ],
  [
    'S5, removed',
    anObservation({ content: aContent(gone), record: started }, { removal: { ...noRemoval, done: true } }),
    { type: 'ClearStatus' },
  ],
  [
    'S5, nothing left',
    anObservation(
      { content: aContent({ meta: gone.meta }), record: started },
      { cleaned: true, removal: { ...noRemoval, done: true } },
    ),
    { type: 'ReleaseContent' },
  ],
  [
    'S5, ready data is not given up',
    anObservation({ content: aContent(gone), record: started }, { removal: failedRemoval }),
    { type: 'CallDelete' },
  ],
  [
    'S5, but where its namespace ends',
    anObservation({ content: aContent(gone), record: started }, { removal: { ...failedRemoval, homeEnds: true } }),
    { type: 'AbandonData', handle: HANDLE, because: 'no pod' },
  ],
  [
    'S5, what was not ready is given up anywhere',
    anObservation(
      { content: aContent({ meta: { ...deleted, annotations: going } }), record: started },
      { removal: failedRemoval },
    ),
    { type: 'AbandonData' },
  ],
  [
    'cancelled before an answer',
    anObservation({ content: aContent({ meta: { ...deleted, annotations: going } }), record: aRecord }),
    { type: 'CallDelete', handle: HANDLE },
  ],
  [
    'cancelled under Retain',
    anObservation({
      content: aContent({ meta: { annotations: going }, spec: { deletionPolicy: 'Retain' } }),
      record: started,
    }),
    { type: 'CallDelete', handle: HANDLE },
  ],
  [
    'an import that was never bound',
    anObservation(
      {
        content: aContent({
          meta: deleted,
          spec: { source: { snapshotHandle: HANDLE }, volumeSnapshotRef: { name: 'first', namespace: 'app' } },
        }),
      },
      { cleaned: true },
    ),
    { type: 'ReleaseContent' },
  ],
];

test.each(table)('%s', (_name, observation, action) => {
  expect(decide(observation, NOW)).toMatchObject(action);
});

describe('whatever the observation', () => {
  const bool = fc.boolean();
  const observations = fc
    .record({
      begun: bool,
      goes: bool,
      deleting: bool,
      bound: bool,
      imported: bool,
      retain: bool,
      handled: bool,
      ready: bool,
      recorded: fc.constantFrom(undefined, aRecord, started),
      answered: fc.constantFrom(undefined, answer({}), answer({ ready: true }), answer({ cutAt })),
      local: fc.record({
        cleaned: bool,
        ended: bool,
        removal: fc.constantFrom(noRemoval, failedRemoval, { ...noRemoval, done: true }),
      }),
      inUse: bool,
    })
    .map((w) =>
      anObservation(
        {
          content: aContent({
            meta: { ...(w.deleting && deleted), annotations: { ...(w.begun && begun), ...(w.goes && snapshotGoes) } },
            spec: {
              deletionPolicy: w.retain ? 'Retain' : 'Delete',
              source: w.imported ? { snapshotHandle: HANDLE } : { volumeHandle: 'v' },
              volumeSnapshotRef: { name: 'first', namespace: 'app', ...(w.bound && { uid: KEY }) },
            },
            status: { ...(w.handled && { snapshotHandle: HANDLE }), ...(w.ready && { readyToUse: true }) },
          }),
          record: w.recorded,
          snapshot: w.inUse ? aSnapshot({ finalizers: ['volprime.dev/restore'] }) : undefined,
        },
        { ...w.local, answer: w.answered },
      ),
    );

  test('the data of a ready snapshot is removed only when decided, under Delete, and when nobody reads it', () => {
    fc.assert(
      fc.property(observations, (o) => {
        if (decide(o, NOW).type !== 'CallDelete' || o.content === undefined || !isReady(o.content)) return;
        expect(isDeletionDecided(o.content)).toBe(true);
        expect(o.content.spec.deletionPolicy).toBe('Delete');
        expect(o.snapshot).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  test('nothing is begun at the plugin before the annotation stands, and never on a content that goes', () => {
    fc.assert(
      fc.property(observations, (o) => {
        if (decide(o, NOW).type !== 'CallSnapshot') return;
        expect(o.content?.metadata.annotations).toMatchObject(begun);
        expect(o.content?.metadata.annotations).not.toMatchObject(snapshotGoes);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a decided deletion comes to its end without a plugin that answers', () => {
    fc.assert(
      fc.property(observations, (o) => {
        if (o.content === undefined || isReady(o.content) || !isDeletionDecided(o.content)) return;
        const action = decide(
          { ...o, snapshot: undefined, local: { ...o.local, cleanupFailures: 10, removal: failedRemoval } },
          NOW,
        );
        expect(['AbandonData', 'SkipCleanup', 'ReleaseContent']).toContain(action.type);
      }),
      { numRuns: 2_000 },
    );
  });
});

test('nanoseconds keep all their digits', () => {
  const at = new Date('2026-11-23T20:17:00.123Z');
  expect(JSON.stringify({ creationTime: nanoseconds(at) })).toBe('{"creationTime":1795465020123000000}');
});

test('a plugin without handleOf is told of a lost beginning by its cleanup function alone', () => {
  const o = anObservation({
    content: aContent({ meta: { ...deleted, annotations: going } }),
    record: aRecord,
    plugin: { ...plugin, handleOf: undefined },
  });
  expect(decide(o, NOW)).toEqual({ type: 'CallCleanup' });
});

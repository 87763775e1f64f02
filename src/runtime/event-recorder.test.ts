import { beforeEach, describe, expect, test } from '@jest/globals';
import { recordingLogger } from '../../test/support/recording-logger.ts';
import type { KubeObject, NewObject } from '../api/objects.ts';
import { KubeError, type KubeWriter, type ObjectKey, type WriteOutcome } from '../kube/index.ts';
import { createMetrics, type Metrics } from '../telemetry/index.ts';
import { ApiEventRecorder, type ApiEventRecorderOptions, type EventDraft } from './event-recorder.ts';

interface StoredEvent extends NewObject {
  readonly note: string;
}

let created: StoredEvent[];
let patched: { key: ObjectKey; body: { series: { count: number; lastObservedTime: string } } }[];
let answer: () => Promise<WriteOutcome<KubeObject>>;
let now: number;
let metrics: Metrics;
let logger: ReturnType<typeof recordingLogger>;

const claim: KubeObject = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data', namespace: 'app', uid: 'u', resourceVersion: '7', creationTimestamp: 't' },
};
const draft: EventDraft = {
  regarding: claim,
  type: 'Warning',
  reason: 'PopulateFailed',
  action: 'Populate',
  note: 'it failed',
};

beforeEach(() => {
  created = [];
  patched = [];
  answer = () => Promise.resolve({ type: 'done', object: claim });
  now = Date.parse('2026-01-02T03:04:05.678Z');
  metrics = createMetrics();
  logger = recordingLogger();
});

function recorder(more: Partial<ApiEventRecorderOptions> = {}): ApiEventRecorder {
  const client = {
    create: (_: unknown, event: StoredEvent) => {
      created.push(event);
      return answer();
    },
    mergePatch: (_: unknown, key: ObjectKey, body: never) => {
      patched.push({ key, body });
      return answer();
    },
  } as unknown as Pick<KubeWriter, 'create' | 'mergePatch'>;
  return new ApiEventRecorder({
    client,
    reportingController: 'volprime.dev/controller',
    reportingInstance: 'pod-1',
    logger,
    metrics,
    now: () => now,
    ...more,
  });
}

describe('an event', () => {
  test('is written in the namespace of what it is about', async () => {
    const events = recorder();
    events.emit(draft);
    await events.flush(1000);
    expect(created).toEqual([
      {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: expect.stringMatching(/^data\.[0-9a-f]{16}$/), namespace: 'app' },
        eventTime: '2026-01-02T03:04:05.678000Z',
        reportingController: 'volprime.dev/controller',
        reportingInstance: 'pod-1',
        type: 'Warning',
        reason: 'PopulateFailed',
        action: 'Populate',
        note: 'it failed',
        regarding: {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          namespace: 'app',
          name: 'data',
          uid: 'u',
          resourceVersion: '7',
        },
      },
    ]);
  });

  test('about a cluster-scoped object is in the default namespace', async () => {
    const events = recorder();
    const { namespace: _, ...metadata } = claim.metadata;
    events.emit({ ...draft, regarding: { ...claim, metadata } });
    await events.flush(1000);
    expect(created[0]?.metadata.namespace).toBe('default');
    expect(created[0]?.['regarding']).not.toHaveProperty('namespace');
  });

  test.each([
    ['short', 'short'],
    ['a'.repeat(1024), 'a'.repeat(1024)],
    ['a'.repeat(2000), `${'a'.repeat(1021)}…`],
    ['ä'.repeat(1000), `${'ä'.repeat(510)}…`],
    ['😀'.repeat(500), `${'😀'.repeat(255)}…`],
  ])('has a note of at most 1024 bytes, never half a character: %#', async (note, written) => {
    const events = recorder();
    events.emit({ ...draft, note });
    await events.flush(1000);
    expect(created[0]?.note).toBe(written);
    expect(Buffer.byteLength(written)).toBeLessThanOrEqual(1024);
  });
});

describe('repetition', () => {
  test('becomes a count on the first event', async () => {
    const events = recorder();
    events.emit(draft);
    now += 1000;
    events.emit(draft);
    events.emit(draft);
    await events.flush(1000);
    expect(created).toHaveLength(1);
    expect(patched).toEqual([
      {
        key: { name: created[0]?.metadata.name, namespace: 'app' },
        body: { series: { count: 3, lastObservedTime: '2026-01-02T03:04:06.678000Z' } },
      },
    ]);
  });

  test.each<[string, Partial<EventDraft>]>([
    ['another note', { note: 'it failed again' }],
    ['another reason', { reason: 'Other' }],
    ['another object', { regarding: { ...claim, metadata: { ...claim.metadata, uid: 'v' } } }],
    ['another related object', { related: claim }],
  ])('%s is another event', async (_, change) => {
    const events = recorder();
    events.emit(draft);
    events.emit({ ...draft, ...change });
    await events.flush(1000);
    expect(created).toHaveLength(2);
  });

  test('after the window is a new event', async () => {
    const events = recorder({ windowMs: 1000 });
    events.emit(draft);
    now += 1001;
    events.emit(draft);
    await events.flush(1000);
    expect(created).toHaveLength(2);
  });

  test('a new version of the object is still the same object', async () => {
    const events = recorder();
    events.emit(draft);
    events.emit({ ...draft, regarding: { ...claim, metadata: { ...claim.metadata, resourceVersion: '8' } } });
    await events.flush(1000);
    expect(created).toHaveLength(1);
  });
});

describe('trouble', () => {
  test.each<[string, () => Promise<WriteOutcome<KubeObject>>]>([
    [
      'a terminating namespace',
      () => Promise.resolve({ type: 'refused', reason: 'NamespaceTerminating', message: '' }),
    ],
    ['a server that is away', () => Promise.reject(new KubeError('KUBE_UNREACHABLE', 'away'))],
  ])("%s is nobody's failure", async (_, trouble) => {
    answer = trouble;
    const events = recorder();
    events.emit(draft);
    await events.flush(1000);
    expect(logger.lines.map(({ level }) => level)).toEqual(['debug']);
    expect(await metrics.text()).toContain('volprime_events_total{outcome="failed"} 1');
  });

  test('a server that does not answer keeps nobody waiting, and not more than the queue holds', async () => {
    answer = () => new Promise(() => {});
    const events = recorder({ capacity: 3 });
    for (let n = 0; n < 10; n += 1) events.emit({ ...draft, note: `note ${n}` });
    await events.flush(1);
    expect(created).toHaveLength(2);
    expect(await metrics.text()).toContain('volprime_events_total{outcome="dropped"} 5');
  });
});

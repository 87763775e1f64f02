import { describe, expect, test } from '@jest/globals';
import {
  aBoundPrime,
  aClaim,
  anObservation,
  aPod,
  aPopulation,
  aSource,
  aVolume,
  ended,
  NOW,
  podlessPlugin,
  protectedBy,
} from '../../test/support/objects.ts';
import type { PopulationStatus } from '../api/population.ts';
import { decide } from './decide.ts';
import type { Observation } from './observation.ts';
import { forRecord } from './pinned-source.ts';

const large = { ...aSource, spec: { sourceURL: 'https://example.com/a.tgz', include: ['g'.repeat(10_000)] } };
const changed = { ...large, generation: 2, spec: { ...large.spec, include: ['h'.repeat(10_000)] } };
const reported = JSON.stringify({ outcome: 'succeeded', targets: [{ verification: 'archive' }] });

const begun = { attempt: 1, prime: { name: 'p', namespace: 'app', uid: aBoundPrime.metadata.uid } };
const record = (status: PopulationStatus = begun) => aPopulation(status, { pinned: forRecord(large, 'app') });

/** A claim whose large source is another one than its record pinned. */
function lost(more: Partial<Observation> = {}): Observation {
  return anObservation({
    claim: aClaim({ meta: protectedBy }),
    population: record(),
    prime: aBoundPrime,
    volume: aVolume(aBoundPrime.metadata.uid),
    source: changed,
    ...more,
    pinned: undefined,
  });
}

const running = { phase: 'Running', containerStatuses: [{ name: 'populator', state: { running: {} } }] } as const;

describe('a source that was changed, and whose spec only it has,', () => {
  test('lets a pod that runs on the old spec come to its end, and its result count', () => {
    expect(decide(lost({ pods: [{ attempt: 1, pod: aPod(1, running) }] }), NOW).type).toBe('ReadProgress');
    const over = [{ attempt: 1, pod: aPod(1, ended(0, reported)) }];
    expect(decide(lost({ pods: over }), NOW)).toMatchObject({ type: 'RecordResult' });
    const population = record({ ...begun, result: { verification: 'archive' } });
    expect(decide(lost({ population, pods: over }), NOW).type).not.toBe('RecordFailure');
  });

  test.each<[string, Partial<Observation>]>([
    ['a prime alone', { population: record({}) }],
    ['an attempt without its pod', {}],
    ['a pod that has not started', { pods: [{ attempt: 1, pod: aPod(1) }] }],
    ['a failed attempt', { population: record({ ...begun, failedAttempt: 1 }) }],
    ['calls of a plugin', { plugin: podlessPlugin }],
    ['a source that is gone', { source: undefined }],
  ])('ends %s, without a count, and its volume', (_what, more) => {
    expect(decide(lost(more), NOW)).toMatchObject({
      type: 'RecordFailure',
      final: false,
      failure: { reason: 'SourceSpecChanged', excused: true, discardPrime: true },
    });
  });

  test('is pinned anew only after the volume of the old one is gone', () => {
    const given = { ...begun, failedAttempt: 1, discard: aBoundPrime.metadata.uid };
    const population = record(given);
    const pods = [{ attempt: 1, pod: aPod(1) }];
    expect(decide(lost({ population, pods }), NOW).type).toBe('DeletePod');
    expect(decide(lost({ population }), NOW).type).toBe('DeletePrime');
    const none = { population, prime: undefined, volume: undefined };
    expect(decide(lost(none), NOW)).toMatchObject({ type: 'RecordPopulation', pinned: changed });
    expect(decide(lost({ ...none, source: undefined }), NOW)).toMatchObject({
      type: 'Wait',
      waiting: { reason: 'PopulatorDataSourceNotFound' },
    });
  });
});

describe('a spec above 64 KiB', () => {
  const source = { ...aSource, spec: { list: ['x'.repeat(65_536)] } };

  test('is not pinned, whatever its kind, and says so', () => {
    const population = undefined;
    expect(decide(anObservation({ source, population, pinned: undefined }), NOW)).toMatchObject({
      type: 'Wait',
      waiting: { reason: 'SourceTooLarge', mood: 'blocked' },
    });
  });

  test('is not pinned in place of another either', () => {
    const population = record({ ...begun, failedAttempt: 1 });
    expect(decide(lost({ population, source, prime: undefined, volume: undefined }), NOW)).toMatchObject({
      type: 'Wait',
      waiting: { reason: 'SourceTooLarge' },
    });
  });
});

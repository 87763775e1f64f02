import { describe, expect, test } from '@jest/globals';
import { SNAPSHOT_FINALIZER } from '../api/names.ts';
import type { Population } from '../api/population.ts';
import type { VolumeSnapshot } from '../api/snapshots.ts';
import { aPopulation } from '../../test/support/objects.ts';
import { isHeldForNothing } from './decide.ts';

const snapshot: VolumeSnapshot = {
  apiVersion: 'snapshot.storage.k8s.io/v1',
  kind: 'VolumeSnapshot',
  metadata: {
    name: 'nightly',
    namespace: 'app',
    uid: 'vs-1',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    finalizers: ['somebody.example.com/else', SNAPSHOT_FINALIZER],
  },
  spec: { source: { persistentVolumeClaimName: 'data' } },
};

function restoreOf(uid: string, meta: object = {}): Population {
  const state = { route: 'Native', snapshot: { namespace: 'app', name: 'nightly', uid }, home: 'app' };
  return aPopulation({ prepared: { state } }, { meta });
}

describe('the hold on a snapshot', () => {
  const table: [name: string, expected: boolean, restores: Population[]][] = [
    ['no restore at all', true, []],
    ['a restore that is under way', false, [restoreOf('vs-1')]],
    ['one of two is over', false, [restoreOf('vs-1', { finalizers: [] }), restoreOf('vs-1')]],
    ['all are over', true, [restoreOf('vs-1', { finalizers: [] })]],
    ['a restore of the one that had this name before', true, [restoreOf('vs-0')]],
    ['a population of another plugin', true, [aPopulation({ prepared: { state: { transfer: 7 } } })]],
  ];
  test.each(table)('%s: for nothing is %s', (_name, expected, restores) => {
    expect(isHeldForNothing(snapshot, restores)).toBe(expected);
  });

  test('is only ours', () => {
    const others = { ...snapshot, metadata: { ...snapshot.metadata, finalizers: ['somebody.example.com/else'] } };
    expect(isHeldForNothing(others, [])).toBe(false);
  });
});

import { describe, expect, test } from '@jest/globals';
import { SNAPSHOT_FINALIZER } from '../api/names.ts';
import type { Population } from '../api/population.ts';
import type { VolumeSnapshot } from '../api/snapshots.ts';
import { aPopulation, NOW } from '../../test/support/objects.ts';
import { WITH_VOLUME_MS, WITHOUT_VOLUME_MS } from '../plugins/snapshot-restore/index.ts';
import type { ReferenceGrant } from '../api/reference-grant.ts';
import { decideHold } from './decide.ts';

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

const DELETED_AT = NOW - 60_000;
const deleted: VolumeSnapshot = {
  ...snapshot,
  metadata: { ...snapshot.metadata, deletionTimestamp: new Date(DELETED_AT).toISOString() },
};

interface RestoreMembers {
  readonly uid?: string;
  readonly meta?: object;
  readonly status?: object;
  readonly group?: string;
}

/** In the snapshot's own namespace unless told. */
function restoreOf({ uid = 'vs-1', meta = {}, status = {}, group = 'volprime.dev' }: RestoreMembers = {}): Population {
  const state = { route: 'Native', snapshot: { namespace: 'app', name: 'nightly', uid }, home: 'app' };
  const population = aPopulation({ prepared: { state }, ...status }, { meta });
  return { ...population, spec: { ...population.spec, source: { group, kind: 'x', name: 'r' } } };
}

const elsewhere = { meta: { namespace: 'alice' } };
const filled = { status: { volume: { name: 'pv-1', uid: 'volume-1' } } };

function aGrant(from: object = {}, meta: object = {}): ReferenceGrant {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1beta1',
    kind: 'ReferenceGrant',
    metadata: { ...snapshot.metadata, name: 'grant', finalizers: [], ...meta },
    spec: {
      from: [{ group: 'volprime.dev', kind: 'SnapshotRestore', namespace: 'alice', ...from }],
      to: [{ group: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot' }],
    },
  };
}

const release = { type: 'release' };
const keep = (until?: number) => ({ type: 'keep', until });

describe('the hold on a snapshot', () => {
  const over = { meta: { finalizers: [] } };
  const table: [name: string, expected: object, restores: Population[], held?: VolumeSnapshot, ...ReferenceGrant[]][] =
    [
      ['no restore at all', release, []],
      ['a restore that is under way', keep(), [restoreOf()]],
      ['one of two is over', keep(), [restoreOf(over), restoreOf()]],
      ['all are over', release, [restoreOf(over)]],
      ['a restore of the one that had this name before', release, [restoreOf({ uid: 'vs-0' })]],
      ['a population of another plugin', release, [aPopulation({ prepared: { state: { transfer: 7 } } })]],
      // Its own namespace: who deletes the snapshot can delete the claim.
      ['of its own namespace, and the snapshot is deleted', keep(), [restoreOf()], deleted],
      [
        'of its own namespace, and the namespace is deleted',
        release,
        [restoreOf({ meta: { deletionTimestamp: 'x' } })],
        deleted,
      ],
      // Another namespace: by its owner's leave.
      ['of another namespace, granted', keep(), [restoreOf(elsewhere)], snapshot, aGrant()],
      ['of another namespace, not granted', release, [restoreOf(elsewhere)]],
      [
        'of another namespace, granted to a third',
        release,
        [restoreOf(elsewhere)],
        snapshot,
        aGrant({ namespace: 'c' }),
      ],
      [
        'granted to claims alone',
        release,
        [restoreOf(elsewhere)],
        snapshot,
        aGrant({ group: '', kind: 'PersistentVolumeClaim' }),
      ],
      [
        'a claim that names the snapshot itself, granted',
        keep(),
        [restoreOf({ ...elsewhere, group: 'snapshot.storage.k8s.io' })],
        snapshot,
        aGrant({ group: '', kind: 'PersistentVolumeClaim' }),
      ],
      [
        'a grant on its way out, as in a namespace that ends',
        release,
        [restoreOf(elsewhere)],
        deleted,
        aGrant({}, { deletionTimestamp: 'x' }),
      ],
      ['not granted, and filling its volume', release, [restoreOf({ ...elsewhere, ...filled })], deleted],
      [
        'deleted, granted, no volume yet',
        keep(DELETED_AT + WITHOUT_VOLUME_MS),
        [restoreOf(elsewhere)],
        deleted,
        aGrant(),
      ],
      [
        'deleted, granted, filling its volume',
        keep(DELETED_AT + WITH_VOLUME_MS),
        [restoreOf({ ...elsewhere, ...filled })],
        deleted,
        aGrant(),
      ],
      ['two, one not granted', keep(), [restoreOf(elsewhere), restoreOf()], deleted],
    ];
  test.each(table)('%s: %j', (_name, expected, restores, held = snapshot, ...grants) => {
    expect(decideHold({ snapshot: held, restores, grants }, NOW)).toEqual(expected);
  });

  test.each([
    ['no volume', {}, WITHOUT_VOLUME_MS],
    ['a volume', filled, WITH_VOLUME_MS],
  ])('of another namespace ends at its bound, whatever its grantee does: %s', (_name, more, bound) => {
    const ground = { snapshot: deleted, restores: [restoreOf({ ...elsewhere, ...more })], grants: [aGrant()] };
    expect(decideHold(ground, DELETED_AT + bound - 1)).toEqual(keep(DELETED_AT + bound));
    expect(decideHold(ground, DELETED_AT + bound)).toEqual(release);
  });

  test('is only ours', () => {
    const others = { ...snapshot, metadata: { ...snapshot.metadata, finalizers: ['somebody.example.com/else'] } };
    expect(decideHold({ snapshot: others, restores: [], grants: [] }, NOW)).toEqual({ type: 'none' });
  });
});

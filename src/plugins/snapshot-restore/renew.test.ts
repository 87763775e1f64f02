import { expect, test } from '@jest/globals';
import type { ReferenceGrant } from '../../api/reference-grant.ts';
import type { VolumeSnapshot } from '../../api/snapshots.ts';
import { aClaim } from '../../../test/support/objects.ts';
import { silent } from '../../../test/support/silent-logger.ts';
import { renew } from './prepare.ts';

const meta = { resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
const apiVersion = 'snapshot.storage.k8s.io/v1';
const nightly: VolumeSnapshot = {
  apiVersion,
  kind: 'VolumeSnapshot',
  metadata: { name: 'nightly', namespace: 'bob', uid: 'vs-1', ...meta },
  spec: { source: {} },
};
const deletedFor = (ms: number): VolumeSnapshot => ({
  ...nightly,
  metadata: { ...nightly.metadata, deletionTimestamp: new Date(Date.now() - ms).toISOString() },
});
const grant: ReferenceGrant = {
  apiVersion: 'gateway.networking.k8s.io/v1beta1',
  kind: 'ReferenceGrant',
  metadata: { name: 'g', namespace: 'bob', uid: 'g-1', ...meta },
  spec: {
    from: [{ group: 'volprime.dev', kind: 'SnapshotRestore', namespace: 'alice' }],
    to: [{ group: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot' }],
  },
};
const never = () => Promise.reject(new Error('caches are enough'));

function asked(snapshot: VolumeSnapshot | undefined, grants: readonly ReferenceGrant[], asker = 'alice') {
  const state = { route: 'Native', snapshot: { namespace: 'bob', name: 'nightly', uid: 'vs-1' }, home: 'populators' };
  const known = {
    snapshot: () => snapshot,
    content: () => undefined,
    claim: () => undefined,
    grants: () => grants,
    storageClasses: () => [],
  };
  const live = { get: never, create: never, mergePatch: never, delete: never };
  return renew(
    { live, known, populatorNamespace: 'populators' },
    {
      source: {
        namespace: asker,
        name: 'r',
        uid: 'r-1',
        generation: 1,
        spec: { name: 'nightly', namespace: 'bob', subtree: undefined, verify: true },
      },
      claim: { namespace: asker, name: 'data', uid: 'claim-1' },
      claimObject: aClaim(),
      storageClass: undefined,
      home: 'populators',
      marks: {
        labels: {},
        annotations: {},
        ownerReferences: [],
        record: { kind: 'Population', uid: 'record-1', createdAt: undefined },
      },
      attempt: { number: 0, id: 'claim-1-0' },
      state: undefined,
      prepared: state,
      logger: silent,
      signal: new AbortController().signal,
    },
  ).then(
    () => 'goes on',
    (error: unknown) => (error as { code?: string }).code,
  );
}

test.each<[string, string, VolumeSnapshot | undefined, readonly ReferenceGrant[], string?]>([
  ['nothing has changed', 'goes on', nightly, [grant]],
  ['the grant is taken back', 'goes on', nightly, []],
  ['the snapshot is deleted and the grant is there', 'goes on', deletedFor(60_000), [grant]],
  ['the snapshot is deleted and the grant is taken back', 'SnapshotBeingDeleted', deletedFor(60_000), []],
  ['the snapshot was deleted long ago', 'SnapshotBeingDeleted', deletedFor(3_600_000), [grant]],
  ['the snapshot is gone', 'SnapshotBeingDeleted', undefined, [grant]],
  [
    'another one has its name',
    'SnapshotBeingDeleted',
    { ...nightly, metadata: { ...nightly.metadata, uid: 'vs-2' } },
    [grant],
  ],
  ['in its own namespace, deleted long ago', 'goes on', deletedFor(3_600_000), [], 'bob'],
])('a restore that waits for its volume: %s: %s', async (_name, expected, snapshot, grants, asker = 'alice') => {
  expect(await asked(snapshot, grants, asker)).toBe(expected);
});

import { describe, expect, test } from '@jest/globals';
import type { VolumeSnapshot, VolumeSnapshotContent } from '../../api/snapshots.ts';
import { verifiable } from './find-snapshot.ts';

const meta = { resourceVersion: '1', creationTimestamp: '2026-01-02T03:00:00Z' };
const snapshot: VolumeSnapshot = {
  apiVersion: 'snapshot.storage.k8s.io/v1',
  kind: 'VolumeSnapshot',
  metadata: { ...meta, namespace: 'shop', name: 'nightly', uid: 'vs-uid' },
  spec: { source: { persistentVolumeClaimName: 'data' } },
};
const SECRET = 'snapshot.storage.kubernetes.io/deletion-secret';
const named = { [`${SECRET}-name`]: 'repo', [`${SECRET}-namespace`]: 'shop', 'volprime.dev/repository-claim': 'store' };

interface Changes {
  readonly spec?: Partial<VolumeSnapshotContent['spec']>;
  readonly handle?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function content({ spec, handle = 'restic-v1:key-1', annotations = named }: Changes = {}): VolumeSnapshotContent {
  return {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshotContent',
    metadata: { ...meta, name: 'c', uid: 'c-uid', annotations },
    spec: {
      driver: 'snapshot.volprime.dev',
      deletionPolicy: 'Delete',
      source: { volumeHandle: 'v' },
      volumeSnapshotRef: { namespace: 'shop', name: 'nightly', uid: 'vs-uid' },
      ...spec,
    },
    status: { snapshotHandle: handle },
  };
}

describe('what is to be verified', () => {
  test('is what the content says', () => {
    expect(verifiable(snapshot, content(), {})).toEqual({ key: 'key-1', secret: 'repo', repositoryClaim: 'store' });
  });

  test('is read with the Secret that the person names instead', () => {
    const given = { secret: 'mine', repositoryClaim: 'elsewhere' };
    expect(verifiable(snapshot, content(), given)).toMatchObject({ secret: 'mine', repositoryClaim: 'elsewhere' });
  });

  test.each<[string, Changes, string]>([
    [
      'a snapshot of a CSI driver, and says what can be done',
      { spec: { driver: 'csi.example.com' } },
      'SnapshotRestore',
    ],
    [
      'a content of somebody else',
      { spec: { volumeSnapshotRef: { namespace: 'b', name: 'x', uid: 'y' } } },
      'in return',
    ],
    ['a handle of another kind', { handle: 'tar:1' }, 'the handle "tar:1"'],
    ['a content that names no Secret', { annotations: {} }, '--secret'],
    ['a Secret elsewhere', { annotations: { ...named, [`${SECRET}-namespace`]: 'b' } }, 'is not in namespace shop'],
  ])('is not %s', (_what, changes, words) => {
    expect(() => verifiable(snapshot, content(changes), {})).toThrow(words);
  });
});

import { describe, expect, test } from '@jest/globals';
import { unwrap } from '../../api/foreign.ts';
import type { ReferenceGrant } from '../../api/reference-grant.ts';
import type { VolumeSnapshot, VolumeSnapshotContent } from '../../api/snapshots.ts';
import { judge, parseBoolean, quantityOf, type RestoreReads, restoreSizeOf } from './rules.ts';

const meta = (name: string, uid: string) => ({
  name,
  uid,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
});
const apiVersion = 'snapshot.storage.k8s.io/v1';

type Members<T> = { readonly [K in keyof T]?: T[K] };

function aSnapshot(status: Members<NonNullable<VolumeSnapshot['status']>> = {}, metadata: object = {}): VolumeSnapshot {
  return {
    apiVersion,
    kind: 'VolumeSnapshot',
    metadata: { ...meta('nightly', 'vs-1'), namespace: 'app', ...metadata },
    spec: { source: { persistentVolumeClaimName: 'data' } },
    status: { boundVolumeSnapshotContentName: 'content', readyToUse: true, restoreSize: '1Gi', ...status },
  };
}

interface ContentMembers {
  readonly spec?: Members<VolumeSnapshotContent['spec']>;
  readonly status?: VolumeSnapshotContent['status'];
  readonly annotations?: Readonly<Record<string, string>>;
}

function aContent({
  spec,
  status = { snapshotHandle: 'snap-1' },
  annotations,
}: ContentMembers = {}): VolumeSnapshotContent {
  return {
    apiVersion,
    kind: 'VolumeSnapshotContent',
    metadata: { ...meta('content', 'vsc-1'), ...(annotations && { annotations }) },
    spec: {
      driver: 'csi.example.com',
      deletionPolicy: 'Delete',
      source: { volumeHandle: 'vol-1' },
      volumeSnapshotRef: { namespace: 'app', name: 'nightly', uid: 'vs-1' },
      ...spec,
    },
    status,
  };
}

const reads: RestoreReads = {
  wanted: { namespace: 'app', name: 'nightly' },
  asker: 'app',
  uid: undefined,
  subtree: undefined,
  claim: { spec: { resources: { requests: { storage: '1Gi' } } } },
  crossNamespace: true,
  grants: [],
  snapshot: aSnapshot(),
  content: aContent(),
  begunWith: undefined,
};

const claimOf = (storage: string, volumeMode?: 'Filesystem' | 'Block') => ({
  spec: { resources: { requests: { storage } }, ...(volumeMode && { volumeMode }) },
});

interface GrantMembers {
  readonly namespace?: string;
  readonly from?: object;
  readonly to?: object;
  readonly deletionTimestamp?: string;
}

function aGrant({ namespace = 'app', from, to, deletionTimestamp }: GrantMembers = {}): ReferenceGrant {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1beta1',
    kind: 'ReferenceGrant',
    metadata: { ...meta('grant', 'grant-1'), namespace, ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
    spec: {
      from: [{ group: 'volprime.dev', kind: 'SnapshotRestore', namespace: 'other', ...from }],
      to: [{ group: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', ...to }],
    },
  };
}

const elsewhere = { asker: 'other' };
const block = claimOf('1Gi', 'Block');
const ofFiles = { sourceVolumeMode: 'Filesystem' } as const;
const allow = (value: string) => ({ 'snapshot.storage.kubernetes.io/allow-volume-mode-change': value });
const deleting = { deletionTimestamp: '2026-01-02T00:00:00Z' };
const ours = { driver: 'snapshot.volprime.dev' };

/** First the reason, undefined where the restore may begin; then what is different from a snapshot in perfect order. */
const table: [name: string, reason: string | undefined, different: Partial<RestoreReads>][] = [
  ['all in order', undefined, {}],
  // 1. The namespace.
  [
    'another namespace, not served',
    'CrossNamespaceNotSupported',
    { ...elsewhere, crossNamespace: false, grants: [aGrant()] },
  ],
  ['another namespace, no grant', 'ReferenceNotGranted', elsewhere],
  ['another namespace, no grant, and no such snapshot', 'ReferenceNotGranted', { ...elsewhere, snapshot: undefined }],
  ['another namespace with a grant', undefined, { ...elsewhere, grants: [aGrant()] }],
  ['a grant for this snapshot', undefined, { ...elsewhere, grants: [aGrant({ to: { name: 'nightly' } })] }],
  ['a grant for another one', 'ReferenceNotGranted', { ...elsewhere, grants: [aGrant({ to: { name: 'weekly' } })] }],
  [
    'a grant to a third namespace',
    'ReferenceNotGranted',
    { ...elsewhere, grants: [aGrant({ from: { namespace: 'third' } })] },
  ],
  ['a grant in a third namespace', 'ReferenceNotGranted', { ...elsewhere, grants: [aGrant({ namespace: 'third' })] }],
  [
    'a grant for claims',
    'ReferenceNotGranted',
    { ...elsewhere, grants: [aGrant({ from: { group: '', kind: 'PersistentVolumeClaim' } })] },
  ],
  ['a grant on its way out', 'ReferenceNotGranted', { ...elsewhere, grants: [aGrant(deleting)] }],
  // 2. The snapshot.
  ['no snapshot', 'SnapshotNotFound', { snapshot: undefined }],
  ['made anew', 'SnapshotReplaced', { uid: 'vs-0' }],
  ['being deleted', 'SnapshotBeingDeleted', { snapshot: aSnapshot({}, deleting) }],
  [
    'being deleted, and begun with another one',
    'SnapshotBeingDeleted',
    { snapshot: aSnapshot({}, deleting), begunWith: 'vs-0' },
  ],
  ['being deleted, and begun', undefined, { snapshot: aSnapshot({}, deleting), begunWith: 'vs-1' }],
  // 3. and 4. The two-way binding.
  ['no status', 'SnapshotNotReady', { snapshot: { ...aSnapshot(), status: {} } }],
  ['no content', 'SnapshotContentMissing', { content: undefined }],
  [
    'forged: content of another name',
    'SnapshotMisbound',
    { content: aContent({ spec: { volumeSnapshotRef: { namespace: 'app', name: 'other', uid: 'vs-1' } } }) },
  ],
  [
    'forged: content of another namespace',
    'SnapshotMisbound',
    { content: aContent({ spec: { volumeSnapshotRef: { namespace: 'bank', name: 'nightly', uid: 'vs-1' } } }) },
  ],
  [
    'forged: content of another UID',
    'SnapshotMisbound',
    { content: aContent({ spec: { volumeSnapshotRef: { namespace: 'app', name: 'nightly', uid: 'vs-0' } } }) },
  ],
  [
    'forged: content without a UID',
    'SnapshotMisbound',
    { content: aContent({ spec: { volumeSnapshotRef: { namespace: 'app', name: 'nightly' } } }) },
  ],
  [
    'forged and not ready',
    'SnapshotMisbound',
    {
      snapshot: aSnapshot({ readyToUse: false }),
      content: aContent({ spec: { volumeSnapshotRef: { namespace: 'bank', name: 'nightly', uid: 'vs-1' } } }),
    },
  ],
  // 6. Ready, with a handle.
  ['not ready', 'SnapshotNotReady', { snapshot: aSnapshot({ readyToUse: false }) }],
  ['no handle', 'SnapshotNotReady', { content: aContent({ status: {} }) }],
  ['a handle of ours', undefined, { content: aContent({ spec: ours, status: { snapshotHandle: 'restic-v1:key' } }) }],
  [
    'a handle that is none of ours',
    'SnapshotContentMissing',
    { content: aContent({ spec: ours, status: { snapshotHandle: 'tape-7' } }) },
  ],
  // 7. The size.
  ['too small', 'ClaimSmallerThanSnapshot', { claim: claimOf('500Mi') }],
  ['larger', undefined, { claim: claimOf('2Gi') }],
  ['too small for all, but a part is wanted', undefined, { claim: claimOf('500Mi'), subtree: 'data' }],
  [
    'scenario 9: size absent',
    undefined,
    {
      claim: claimOf('1Mi'),
      snapshot: { ...aSnapshot(), status: { boundVolumeSnapshotContentName: 'content', readyToUse: true } },
    },
  ],
  ['scenario 9: size 0', undefined, { claim: claimOf('1Mi'), snapshot: aSnapshot({ restoreSize: '0' }) }],
  [
    'scenario 9: size 0, and the content knows it',
    'ClaimSmallerThanSnapshot',
    {
      claim: claimOf('1Mi'),
      snapshot: aSnapshot({ restoreSize: '0' }),
      content: aContent({ status: { snapshotHandle: 'snap-1', restoreSize: 1 << 30 } }),
    },
  ],
  // 8. The volume mode.
  ['scenario 10: mode unknown', undefined, { claim: block }],
  ['scenario 10: the same mode', undefined, { content: aContent({ spec: ofFiles }) }],
  ['scenario 10: another mode', 'VolumeModeChangeNotAllowed', { claim: block, content: aContent({ spec: ofFiles }) }],
  [
    'scenario 10: another mode, allowed',
    undefined,
    { claim: block, content: aContent({ spec: ofFiles, annotations: allow('true') }) },
  ],
  [
    'scenario 10: another mode, forbidden',
    'VolumeModeChangeNotAllowed',
    { claim: block, content: aContent({ spec: ofFiles, annotations: allow('false') }) },
  ],
  [
    'scenario 10: another mode, nonsense',
    'VolumeModeChangeNotAllowed',
    { claim: block, content: aContent({ spec: ofFiles, annotations: allow('maybe') }) },
  ],
  [
    'a repository keeps its mode, whatever is allowed',
    'VolumeModeChangeNotAllowed',
    {
      claim: block,
      content: aContent({
        spec: { ...ofFiles, ...ours },
        status: { snapshotHandle: 'restic-v1:key' },
        annotations: allow('true'),
      }),
    },
  ],
  ['a directory for a block volume', 'VolumeModeChangeNotAllowed', { claim: block, subtree: 'data' }],
];

describe('judge', () => {
  test.each(table)('%s: %s', (_name, reason, different) => {
    const verdict = judge({ ...reads, ...different });
    expect(verdict.objection?.reason).toBe(reason);
    if (verdict.objection === undefined) expect(verdict.restorable.handle).not.toBe('');
  });

  test('tells what is wrong in words that help', () => {
    const words = (different: Partial<RestoreReads>) =>
      unwrap(judge({ ...reads, ...different }).objection?.message ?? '');
    expect(words({ claim: claimOf('500Mi') })).toMatch(/asks for 500Mi.*nightly needs 1Gi; recreate the claim/);
    expect(words({ snapshot: aSnapshot({ readyToUse: false, error: { message: 'the disk is busy' } }) })).toMatch(
      /the disk is busy/,
    );
    expect(words({ claim: block, content: aContent({ spec: ofFiles, annotations: allow('maybe') }) })).toMatch(
      /"maybe".*not a boolean/,
    );
  });

  test('says nothing of a snapshot elsewhere without a grant: the same words whether it exists, is ready, or not', () => {
    const answers = [aSnapshot(), undefined, aSnapshot({ readyToUse: false, error: { message: 'secret' } })].map(
      (snapshot) => judge({ ...reads, ...elsewhere, snapshot }).objection?.message,
    );
    expect(new Set(answers).size).toBe(1);
  });
});

test('the annotation is read as upstream reads it', () => {
  expect(['1', 't', 'T', 'TRUE', 'true', 'True'].map(parseBoolean)).toEqual(Array(6).fill(true));
  expect(['0', 'f', 'F', 'FALSE', 'false', 'False'].map(parseBoolean)).toEqual(Array(6).fill(false));
  expect(['', 'yes', 'tRUE', ' true'].map(parseBoolean)).toEqual(Array(4).fill(undefined));
});

test('a size that nobody knows is none', () => {
  expect(restoreSizeOf(aSnapshot({ restoreSize: '0' }), aContent())).toBeUndefined();
  expect(restoreSizeOf(aSnapshot(), aContent())).toBe(1n << 30n);
});

test('quantities in the largest unit that fits', () => {
  expect([0n, 1000n, 1024n, 3n << 20n, 1n << 30n, 5n << 40n].map(quantityOf)).toEqual([
    '0',
    '1000',
    '1Ki',
    '3Mi',
    '1Gi',
    '5Ti',
  ]);
});

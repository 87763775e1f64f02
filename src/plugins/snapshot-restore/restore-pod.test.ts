import { expect, test } from '@jest/globals';
import { aBoundPrime, aClaim, aVolume } from '../../../test/support/objects.ts';
import type { VolumeMode } from '../../api/objects.ts';
import type { PopulateParams } from '../../sdk/index.ts';
import { restorePod } from './restore-pod.ts';
import type { KnownObjects } from './ports.ts';
import type { RestoreState } from './state.ts';
import { restoreTaskSchema } from './task.ts';
import type { Wish } from './wish.ts';

const meta = (name: string) => ({ name, uid: 'vs-1', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' });
const apiVersion = 'snapshot.storage.k8s.io/v1';

/** What the caches would hold: a snapshot in a repository of namespace app. */
const known: KnownObjects = {
  snapshot: ({ name }) => ({
    apiVersion,
    kind: 'VolumeSnapshot',
    metadata: { ...meta(name), namespace: 'app' },
    spec: { source: {} },
    status: { boundVolumeSnapshotContentName: 'content', readyToUse: true },
  }),
  content: (name) => ({
    apiVersion,
    kind: 'VolumeSnapshotContent',
    metadata: {
      ...meta(name),
      annotations: {
        'snapshot.storage.kubernetes.io/deletion-secret-name': 'repo',
        'snapshot.storage.kubernetes.io/deletion-secret-namespace': 'app',
      },
    },
    spec: {
      driver: 'snapshot.volprime.dev',
      deletionPolicy: 'Delete',
      source: {},
      volumeSnapshotRef: { namespace: 'app', name: 'nightly', uid: 'vs-1' },
    },
    status: { snapshotHandle: 'restic-v1:key-1' },
  }),
  claim: () => undefined,
  grants: () => [],
  storageClasses: () => [],
};
const live = {
  get: () => Promise.reject(new Error('a pod is made of what is known')),
  create: () => Promise.reject(new Error('a pod is made of what is known')),
  mergePatch: () => Promise.reject(new Error('a pod is made of what is known')),
  delete: () => Promise.reject(new Error('a pod is made of what is known')),
};

interface PodOptions {
  readonly home?: string;
  readonly volumeMode?: VolumeMode;
}

function podOf(route: RestoreState['route'], { home = 'app', volumeMode = 'Filesystem' }: PodOptions = {}) {
  const claimObject = aClaim({ spec: { volumeMode } });
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const params: PopulateParams<Wish> = {
    source: {
      namespace: 'app',
      name: 'restore',
      uid: 'restore-1',
      generation: 1,
      spec: { name: 'nightly', namespace: undefined, subtree: undefined, verify: true },
    },
    claim: { namespace: 'app', name: 'data', uid: 'claim-1' },
    home,
    marks: {
      labels: {},
      annotations: {},
      ownerReferences: [],
      record: { kind: 'Population', uid: 'record-1', createdAt: undefined },
    },
    attempt: { number: 1, id: 'claim-1-1' },
    state: undefined,
    prepared: { route, home, snapshot: { namespace: 'app', name: 'nightly', uid: 'vs-1' } },
    logger: silent,
    signal: new AbortController().signal,
    claimObject,
    storageClass: undefined,
    prime: aBoundPrime,
    volume: aVolume('prime-1'),
  };
  const template = restorePod({ live, known, populatorNamespace: 'populators' }, params);
  const task = restoreTaskSchema.parse(JSON.parse(template.env?.['VOLPRIME_TASK'] ?? ''));
  return { template, task };
}

test('a copy mounts the volume that was made of the snapshot, and only reads it', () => {
  const { template, task } = podOf('Copy');
  expect(template.claims).toEqual([
    { name: 'volprime-claim-1-source', mountPath: '/source', volumeMode: 'Filesystem' },
  ]);
  expect(template.secrets).toBeUndefined();
  expect(task.target).toEqual({ path: '/target', kind: 'directory' });
  expect(task.from).toEqual({ type: 'volume', place: { path: '/source', kind: 'directory' } });
});

test('a copy of a raw block volume has both as devices', () => {
  const { template, task } = podOf('Copy', { volumeMode: 'Block' });
  expect(template.mountPath).toBe('/dev/target');
  expect(template.claims).toEqual([{ name: 'volprime-claim-1-source', mountPath: '/dev/source', volumeMode: 'Block' }]);
  expect(task.from).toEqual({ type: 'volume', place: { path: '/dev/source', kind: 'device' } });
});

test("what is in a repository is read with its namespace's Secret, and elsewhere with the operator's", () => {
  expect(podOf('Repository').task.from).toEqual({ type: 'repository', key: 'key-1' });
  expect(podOf('Repository').template.secrets).toEqual([
    { name: 'repo', mountPath: '/var/run/volprime/repository', ofOperator: false },
  ]);
  expect(podOf('Repository', { home: 'populators' }).template.secrets).toEqual([
    { name: 'app.repo', mountPath: '/var/run/volprime/repository', ofOperator: true },
  ]);
});

import { describe, expect, test } from '@jest/globals';
import type { Claim, StorageClass } from '../../api/objects.ts';
import type { VolumeSnapshot, VolumeSnapshotContent } from '../../api/snapshots.ts';
import { repositoryOf } from './repository.ts';
import { chooseRoute } from './route.ts';
import type { Restorable } from './rules.ts';
import { type ClassChoice, chooseSourceClass } from './source-volume.ts';
import { needsAlias, parseState, type RestoreState } from './state.ts';
import { directWishSchema, snapshotOf, wishSchema } from './wish.ts';

const meta = (name: string, annotations: Readonly<Record<string, string>> = {}) => ({
  name,
  uid: `${name}-1`,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  annotations,
});

function aContent(driver: string, annotations: Readonly<Record<string, string>> = {}): VolumeSnapshotContent {
  return {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshotContent',
    metadata: meta('content', annotations),
    spec: { driver, deletionPolicy: 'Delete', source: {}, volumeSnapshotRef: {} },
  };
}

const snapshot: VolumeSnapshot = {
  apiVersion: 'snapshot.storage.k8s.io/v1',
  kind: 'VolumeSnapshot',
  metadata: { ...meta('nightly'), namespace: 'app' },
  spec: { source: {} },
};

describe('the route', () => {
  const table = [
    ['the same driver', 'csi.a', 'csi.a', undefined, 'Native'],
    ['another driver', 'csi.a', 'csi.b', undefined, 'Copy'],
    ['a provisioner that is no CSI driver', 'csi.a', 'rancher.io/local-path', undefined, 'Copy'],
    ['a directory, by the same driver', 'csi.a', 'csi.a', 'data', 'Copy'],
    ['a repository', 'snapshot.volprime.dev', 'csi.a', undefined, 'Repository'],
    ['a directory of a repository', 'snapshot.volprime.dev', 'csi.a', 'data', 'Repository'],
  ] as const;
  test.each(table)('%s', (_name, driver, provisioner, subtree, route) => {
    expect(chooseRoute({ content: aContent(driver), storageClass: { provisioner }, subtree })).toBe(route);
  });
});

describe('the class of the volume that is read', () => {
  const aClass = (name: string, provisioner = 'csi.a', annotations = {}): StorageClass => ({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: meta(name, annotations),
    provisioner,
  });
  const claimIn = (storageClassName: string): Claim => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: meta('data'),
    spec: { storageClassName },
  });
  const isDefault = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  const all = [aClass('slow'), aClass('fast'), aClass('usual', 'csi.a', isDefault), aClass('other', 'csi.b')];
  const choice: ClassChoice = { driver: 'csi.a', sourceClaim: undefined, annotated: undefined, storageClasses: all };
  const table: [name: string, expected: string | undefined, different: Partial<ClassChoice>][] = [
    ['as the snapshot is annotated', 'slow', { annotated: 'slow', sourceClaim: claimIn('fast') }],
    ["the source's own", 'fast', { sourceClaim: claimIn('fast') }],
    ["the source's class is of another driver", 'usual', { sourceClaim: claimIn('other') }],
    ['the annotated class does not exist', 'usual', { annotated: 'gone' }],
    [
      'no default: the first by name',
      'fast',
      { storageClasses: all.filter(({ metadata }) => metadata.name !== 'usual') },
    ],
    ['none of that driver', undefined, { driver: 'csi.c' }],
  ];
  test.each(table)('%s: %s', (_name, expected, different) => {
    expect(chooseSourceClass({ ...choice, ...different })?.metadata.name).toBe(expected);
  });
});

describe('the repository', () => {
  const named = (name: string, namespace: string) => ({
    'snapshot.storage.kubernetes.io/deletion-secret-name': name,
    'snapshot.storage.kubernetes.io/deletion-secret-namespace': namespace,
  });
  const inClaim = { 'volprime.dev/repository-claim': 'backups' };
  const of = (annotations: Readonly<Record<string, string>>, home = 'app', handle = 'restic-v1:key-1') => {
    const restorable: Restorable = { snapshot, content: aContent('snapshot.volprime.dev', annotations), handle };
    return repositoryOf(restorable, home);
  };

  test('is that of the snapshot, with the Secret of its own namespace', () => {
    expect(of({ ...named('repo', 'app'), ...inClaim })).toEqual({
      repository: { key: 'key-1', secret: 'repo', ofOperator: false, claim: 'backups' },
    });
  });

  test('elsewhere is reached with the Secret that the operator put there', () => {
    expect(of(named('repo', 'app'), 'populators')).toEqual({
      repository: { key: 'key-1', secret: 'app.repo', ofOperator: true, claim: undefined },
    });
  });

  const bad: [
    name: string,
    reason: string,
    annotations: Readonly<Record<string, string>>,
    home: string,
    handle: string,
  ][] = [
    ['no Secret', 'RepositorySecretInvalid', {}, 'app', 'restic-v1:key-1'],
    ['a Secret of another namespace', 'RepositorySecretInvalid', named('repo', 'bank'), 'app', 'restic-v1:key-1'],
    [
      'a claim of another namespace',
      'RepositoryOutOfReach',
      { ...named('repo', 'app'), ...inClaim },
      'populators',
      'restic-v1:key-1',
    ],
    ['a handle that is none of ours', 'SnapshotContentMissing', named('repo', 'app'), 'app', 'tape-7'],
  ];
  test.each(bad)('%s: %s', (_name, reason, annotations, home, handle) => {
    expect(of(annotations, home, handle).objection?.reason).toBe(reason);
  });
});

test('a wish names the snapshot of its own namespace unless it says another', () => {
  const source = { namespace: 'app', name: 'restore', uid: 'u', generation: 1 };
  const spec = wishSchema.parse({ snapshotRef: { name: 'nightly' }, path: '/./data//uploads/' });
  expect(spec).toEqual({ name: 'nightly', namespace: undefined, subtree: 'data/uploads', verify: true });
  expect(snapshotOf({ ...source, spec })).toEqual({ namespace: 'app', name: 'nightly' });
  const elsewhere = wishSchema.parse({ snapshotRef: { name: 'nightly', namespace: 'prod' }, path: '/' });
  expect(elsewhere.subtree).toBeUndefined();
  expect(snapshotOf({ ...source, spec: elsewhere })).toEqual({ namespace: 'prod', name: 'nightly' });
  expect(snapshotOf({ ...source, spec: directWishSchema.parse({ source: {} }) })).toEqual({
    namespace: 'app',
    name: 'restore',
  });
  expect(() => wishSchema.parse({ snapshotRef: { name: 'nightly' }, path: '/a/../../etc' })).toThrow(
    /inside the snapshot/,
  );
});

test('an alias is made where the driver restores in another namespace than that of the snapshot', () => {
  const state = (home: string, route: RestoreState['route']): RestoreState => ({
    route,
    home,
    snapshot: { namespace: 'app', name: 'nightly', uid: 'vs-1' },
  });
  expect(needsAlias(state('app', 'Native'))).toBe(false);
  expect(needsAlias(state('populators', 'Native'))).toBe(true);
  expect(needsAlias(state('populators', 'Copy'))).toBe(true);
  expect(needsAlias(state('populators', 'Repository'))).toBe(false);
  expect(parseState(JSON.parse(JSON.stringify(state('app', 'Copy'))))).toEqual(state('app', 'Copy'));
  expect(parseState({ transfer: 1 })).toBeUndefined();
});

import { describe, expect, test } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject, OwnerReference, Volume } from './objects.ts';
import { type Expected, isOurs, isProvisionedFor, namedRecord, PROOF_ANNOTATIONS, proofFor } from './proof.ts';

const owner = { kind: 'Population', name: 'record', uid: 'population-1' };
const expected: Expected = {
  namespace: 'app',
  name: 'pod-1',
  record: { kind: 'Population', uid: 'population-1', createdAt: '2026-01-02T03:00:00Z' },
  owner,
};
const reference: OwnerReference = { apiVersion: 'volprime.dev/v1alpha1', ...owner, controller: true };
const ours: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'app',
    name: 'pod-1',
    uid: 'object-1',
    resourceVersion: '1',
    creationTimestamp: '2026-01-02T03:00:00Z',
    annotations: proofFor(expected.record),
    ownerReferences: [reference],
  },
};
const changed = (metadata: Partial<KubeObject['metadata']>): KubeObject => ({
  ...ours,
  metadata: { ...ours.metadata, ...metadata },
});

describe('an object is ours', () => {
  test('where everything agrees', () => expect(isOurs(ours, expected)).toBe(true));

  test.each<readonly [string, Partial<KubeObject['metadata']>]>([
    ['another namespace', { namespace: 'mallory' }],
    ['another name', { name: 'pod-1x' }],
    ['another record', { annotations: proofFor({ kind: 'Population', uid: 'population-2' }) }],
    [
      'the annotation of another kind of record',
      { annotations: proofFor({ ...expected.record, kind: 'VolumeCapture' }) },
    ],
    ['no annotation', { annotations: {} }],
    ['no owner', { ownerReferences: [] }],
    ['an owner of another UID', { ownerReferences: [{ ...reference, uid: 'x' }] }],
    ['an owner of another name', { ownerReferences: [{ ...reference, name: 'x' }] }],
    ['an owner of another kind', { ownerReferences: [{ ...reference, kind: 'Pod' }] }],
    ['an owner that is not its controller', { ownerReferences: [{ ...reference, controller: false }] }],
    ['an age greater than the record', { creationTimestamp: '2026-01-02T02:59:00Z' }],
  ])('not with %s', (_what, metadata) => expect(isOurs(changed(metadata), expected)).toBe(false));

  test('also where the clocks of two API servers differ by a little', () => {
    expect(isOurs(changed({ creationTimestamp: '2026-01-02T02:59:57Z' }), expected)).toBe(true);
  });

  test('without an owner only while the owner is leaving, or where it is in another namespace', () => {
    const orphan = changed({ ownerReferences: [] });
    expect(isOurs(orphan, { ...expected, owner: { ...owner, leaving: true } })).toBe(true);
    expect(isOurs(orphan, { ...expected, owner: 'none' })).toBe(true);
    expect(isOurs(ours, { ...expected, owner: 'none' })).toBe(false);
    expect(isOurs(ours, { ...expected, owner: 'any' })).toBe(true);
  });

  test('by the UID that the record holds, whatever was taken off it, and in its place only', () => {
    const bare = changed({ annotations: {}, ownerReferences: [] });
    expect(isOurs(bare, { ...expected, recordedUid: 'object-1' })).toBe(true);
    expect(isOurs(bare, { ...expected, recordedUid: 'object-2' })).toBe(false);
    expect(
      isOurs(
        { ...bare, metadata: { ...bare.metadata, namespace: 'mallory' } },
        { ...expected, recordedUid: 'object-1' },
      ),
    ).toBe(false);
  });

  test('not where there is none', () => expect(isOurs(undefined, expected)).toBe(false));
});

test('the record that an object names can be read without believing it', () => {
  expect(namedRecord(changed({ namespace: 'mallory' }), 'Population')).toBe('population-1');
  expect(namedRecord(ours, 'VolumeSnapshotContent')).toBeUndefined();
});

describe('a volume was provisioned for a claim', () => {
  const claim = { ...ours, kind: 'PersistentVolumeClaim' };
  const volume = (metadata: Partial<Volume['metadata']> = {}, claimUid = 'object-1'): Volume => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: 'pv',
      uid: 'volume-1',
      resourceVersion: '1',
      creationTimestamp: '2026-01-02T03:00:01Z',
      annotations: { 'pv.kubernetes.io/provisioned-by': 'csi.example.com' },
      ...metadata,
    },
    spec: { claimRef: { uid: claimUid } },
  });
  test.each<readonly [string, Volume, boolean]>([
    ['by a provisioner, after it', volume(), true],
    ['for another claim', volume({}, 'object-2'), false],
    ['before the claim existed', volume({ creationTimestamp: '2026-01-01T00:00:00Z' }), false],
    ['by an administrator', volume({ annotations: {} }), false],
  ])('%s', (_what, found, expectedAnswer) => expect(isProvisionedFor(found, claim)).toBe(expectedAnswer));
});

test('no other source spells the annotations that prove, so that none can be read without the rest of the proof', () => {
  const src = join(import.meta.dirname, '..');
  const sources = globSync('**/*.ts', { cwd: src }).filter(
    (path) => !path.endsWith('.test.ts') && path !== 'api/proof.ts',
  );
  expect(sources.length).toBeGreaterThan(300);
  const reading = sources.filter((path) => {
    const text = readFileSync(join(src, path), 'utf8');
    return PROOF_ANNOTATIONS.some((annotation) => text.includes(`'${annotation}'`));
  });
  expect(reading).toEqual([]);
});

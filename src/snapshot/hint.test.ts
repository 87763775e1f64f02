import { describe, expect, test } from '@jest/globals';
import { aSnapshot, deleted, NOW } from '../../test/support/snapshot-objects.ts';
import type { Volume } from '../api/objects.ts';
import type { VolumeSnapshot } from '../api/snapshots.ts';
import { decideHint } from './hint.ts';

const created = { creationTimestamp: new Date(NOW - 10_000).toISOString() };
const volumeOf = (source: object): Volume => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: 'pv-1', uid: 'pv-1', resourceVersion: '1', creationTimestamp: created.creationTimestamp },
  spec: source,
});
const local = volumeOf({ hostPath: { path: '/srv' } });
const csi = volumeOf({ csi: { driver: 'csi.example.com', volumeHandle: 'v' } });

const asked = (change: Partial<VolumeSnapshot> = {}): VolumeSnapshot => ({ ...aSnapshot(created), ...change });
const imported = asked({ spec: { source: { volumeSnapshotContentName: 'content' } } });
const none = { type: 'none' } as const;

describe('a volume of no CSI driver', () => {
  test('its owner is told of the other way, by the names of volume and claim', () => {
    expect(decideHint({ snapshot: asked(), volume: local }, NOW)).toEqual({
      type: 'tell',
      reason: 'UseVolumeCapture',
      message: 'volume pv-1 of claim data is of no CSI driver: make a VolumeCapture with claimName data instead',
    });
  });

  test("is told also after upstream's refusal stands in the status, and long before anybody is called missing", () => {
    const status = { readyToUse: false, error: { message: 'cannot find CSI PersistentVolumeSource' } };
    expect(decideHint({ snapshot: asked({ status }), volume: local }, NOW)).toMatchObject({ type: 'tell' });
    expect(decideHint({ snapshot: asked(), volume: local, patienceMs: 1 }, NOW)).toMatchObject({
      reason: 'UseVolumeCapture',
    });
  });

  test.each([
    ['that goes', asked({ metadata: { ...aSnapshot(created).metadata, ...deleted } })],
    ['that is bound', asked({ status: { boundVolumeSnapshotContentName: 'content' } })],
  ])('nothing is said of a VolumeSnapshot %s', (_, snapshot) => {
    expect(decideHint({ snapshot, volume: local }, NOW)).toEqual(none);
  });
});

describe('the snapshot controller is called missing', () => {
  test.each([
    ['of a CSI volume', asked(), csi],
    ['of a claim that has no volume yet', asked(), undefined],
    ['of an import, whatever volume there is', imported, local],
  ])('only when it was silent for its time: %s', (_, snapshot, volume) => {
    expect(decideHint({ snapshot, volume, patienceMs: 10_001 }, NOW)).toEqual({ type: 'later', afterMs: 1 });
    expect(decideHint({ snapshot, volume, patienceMs: 10_000 }, NOW)).toMatchObject({
      type: 'tell',
      reason: 'SnapshotControllerMissing',
      message: expect.stringContaining('external-snapshotter'),
    });
  });

  test('fifteen seconds are its time unless told', () => {
    expect(decideHint({ snapshot: asked(), volume: csi }, NOW)).toEqual({ type: 'later', afterMs: 5_000 });
    expect(decideHint({ snapshot: asked(), volume: csi }, NOW + 5_000)).toMatchObject({ type: 'tell' });
  });

  test('never once it has said anything', () => {
    const status = { readyToUse: false };
    expect(decideHint({ snapshot: asked({ status }), volume: csi }, NOW + 60_000)).toEqual(none);
  });
});

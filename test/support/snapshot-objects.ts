/** Builders of the objects that decisions about contents are made on. A test names only what matters to it. */
import type { ObjectMeta } from '../../src/api/objects.ts';
import {
  ANNOTATION_BEING_CREATED,
  ANNOTATION_BEING_DELETED,
  CONTENT_FINALIZER,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
} from '../../src/api/snapshots.ts';
import { type LocalFacts, noLocalFacts, type Observation } from '../../src/snapshot/observation.ts';
import { CAPTURE_FORMAT, type CaptureRecord } from '../../src/snapshot/record.ts';

export const NOW = Date.parse('2026-01-02T03:04:05.000Z');
export const UID = 'a1a1b2c3-0000-4000-8000-000000000001';
export const KEY = 'b1a1b2c3-0000-4000-8000-000000000002';
export const begun = { [ANNOTATION_BEING_CREATED]: 'yes' };
export const snapshotGoes = { [ANNOTATION_BEING_DELETED]: 'yes' };
export const deleted = { deletionTimestamp: '2026-01-02T03:04:00Z' };

export const plugin = { name: 'p', driver: 'd', hasCleanup: true, handleOf: (key: string) => `h:${key}` };

export const aRecord: CaptureRecord = {
  format: CAPTURE_FORMAT,
  key: KEY,
  attempt: 1,
  source: { namespace: 'app', claim: 'data', claimUid: 'claim-1', volume: 'pv-1' },
  parameters: {},
};

type Meta = Partial<ObjectMeta>;

export interface ContentChange {
  readonly meta?: Meta;
  readonly spec?: Partial<VolumeSnapshotContent['spec']>;
  readonly status?: VolumeSnapshotContent['status'];
}

export function aContent({ meta = {}, spec = {}, status }: ContentChange = {}): VolumeSnapshotContent {
  return {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshotContent',
    metadata: {
      name: `snapcontent-${KEY}`,
      uid: UID,
      resourceVersion: '1',
      creationTimestamp: '2026-01-02T03:00:00Z',
      finalizers: [CONTENT_FINALIZER],
      ...meta,
    },
    spec: {
      driver: 'd',
      deletionPolicy: 'Delete',
      source: { volumeHandle: 'volume-1' },
      volumeSnapshotRef: { namespace: 'app', name: 'first', uid: KEY },
      ...spec,
    },
    ...(status !== undefined && { status }),
  };
}

export function aSnapshot(meta: Meta = {}): VolumeSnapshot {
  return {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshot',
    metadata: {
      name: 'first',
      namespace: 'app',
      uid: KEY,
      resourceVersion: '1',
      creationTimestamp: '2026-01-02T03:00:00Z',
      ...meta,
    },
    spec: { source: { persistentVolumeClaimName: 'data' } },
  };
}

export function anObservation(more: Partial<Observation> = {}, local: Partial<LocalFacts> = {}): Observation {
  return {
    uid: UID,
    content: undefined,
    plugin,
    record: undefined,
    snapshot: undefined,
    snapshotClass: undefined,
    claim: undefined,
    volume: undefined,
    local: { ...noLocalFacts, ...local },
    ...more,
  };
}

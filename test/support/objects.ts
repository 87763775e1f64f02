/** Builders of the objects that populate decisions are made on. Each gives a plain valid object; a test names only what matters to it. */
import {
  ANNOTATION_BIND_COMPLETED,
  CLAIM_FINALIZER,
  PROTECTION_FINALIZER,
  podName,
  populationName,
  primeName,
} from '../../src/api/names.ts';
import type { Claim, ObjectMeta, Pod, StorageClass, Volume } from '../../src/api/objects.ts';
import type { PinnedSource, Population, PopulationStatus } from '../../src/api/population.ts';
import { proofFor } from '../../src/api/proof.ts';
import { noLocalFacts, type Observation, type PluginFacts } from '../../src/populate/observation.ts';

export const UID = 'c1a1b2c3-0000-4000-8000-000000000001';
export const NOW = Date.parse('2026-01-02T03:04:05.000Z');
export const EARLIER = '2026-01-02T03:00:00.000Z';

type Meta = Partial<ObjectMeta>;

const POPULATION = { apiVersion: 'volprime.dev/v1alpha1', kind: 'Population' } as const;
const theRecord = { kind: 'Population', uid: 'population-1' } as const;

function meta(name: string, uid: string, more: Meta = {}): ObjectMeta {
  return { name, uid, resourceVersion: '1', creationTimestamp: EARLIER, ...more };
}

export function aClaim(more: { meta?: Meta; spec?: Partial<Claim['spec']> } = {}): Claim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: meta('data', UID, { namespace: 'app', finalizers: ['kubernetes.io/pvc-protection'], ...more.meta }),
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'fast',
      dataSourceRef: { apiGroup: 'provider.example.com', kind: 'Provider', name: 'provider1' },
      ...more.spec,
    },
    status: { phase: 'Pending' },
  };
}

export const protectedBy = { finalizers: ['kubernetes.io/pvc-protection', CLAIM_FINALIZER] };

export function boundClaim(volumeName: string): Claim {
  return aClaim({
    meta: { ...protectedBy, annotations: { [ANNOTATION_BIND_COMPLETED]: 'yes' } },
    spec: { volumeName },
  });
}

export const aSource: PinnedSource = {
  namespace: 'app',
  uid: 'source-1',
  generation: 1,
  spec: { sourceURL: 'https://example.com/a.tgz', extractPath: '/' },
};

export function aPopulation(
  status: PopulationStatus = {},
  more: { meta?: Meta; pinned?: PinnedSource | undefined } = {},
): Population {
  const pinned = 'pinned' in more ? more.pinned : aSource;
  return {
    apiVersion: 'volprime.dev/v1alpha1',
    kind: 'Population',
    metadata: meta(populationName(UID), 'population-1', {
      namespace: 'app',
      generation: 1,
      finalizers: [PROTECTION_FINALIZER],
      ownerReferences: [{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: 'data', uid: UID }],
      ...more.meta,
    }),
    spec: {
      claim: { name: 'data', uid: UID },
      source: { group: 'provider.example.com', kind: 'Provider', name: 'provider1' },
      ...(pinned && { pinned }),
    },
    status: { observedGeneration: 1, ...status },
  };
}

export function aPrime(more: { meta?: Meta; spec?: Partial<Claim['spec']>; phase?: 'Pending' | 'Bound' } = {}): Claim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: meta(primeName(UID), 'prime-1', {
      namespace: 'app',
      finalizers: [PROTECTION_FINALIZER],
      annotations: proofFor(theRecord),
      ownerReferences: [{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: 'data', uid: UID, controller: true }],
      ...more.meta,
    }),
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', ...more.spec },
    status: { phase: more.phase ?? 'Pending' },
  };
}

export const aBoundPrime = aPrime({ spec: { volumeName: 'pv-1' }, phase: 'Bound' });

export function aVolume(
  claimUid: string,
  more: { meta?: Meta; spec?: Partial<Volume['spec']>; phase?: 'Bound' | 'Released' } = {},
): Volume {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: meta('pv-1', 'volume-1', more.meta),
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'fast',
      claimRef: { uid: claimUid },
      ...more.spec,
    },
    status: { phase: more.phase ?? 'Bound' },
  };
}

export function aPod(attempt: number, status: Pod['status'] = { phase: 'Pending' }, more: Meta = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: meta(podName(UID, attempt), `pod-${attempt}`, {
      namespace: 'app',
      finalizers: [PROTECTION_FINALIZER],
      annotations: proofFor(theRecord),
      ownerReferences: [{ ...POPULATION, name: populationName(UID), uid: theRecord.uid, controller: true }],
      ...more,
    }),
    spec: { nodeName: 'node-1' },
    status,
  };
}

export function ended(exitCode: number, message: string | undefined): Pod['status'] {
  const terminated = { exitCode, ...(message !== undefined && { message }) };
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    startTime: EARLIER,
    containerStatuses: [{ name: 'populator', state: { terminated } }],
  };
}

export function aClass(more: Partial<StorageClass> = {}): StorageClass {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: meta('fast', 'class-1'),
    provisioner: 'csi.example.com',
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
    ...more,
  };
}

export const podPlugin: PluginFacts = {
  name: 'download-and-extract',
  path: 'pod',
  hasPrepare: false,
  hasCleanup: false,
  reports: false,
  byProvisioner: false,
  choosesPath: false,
  maxAttempts: 10,
  pollIntervalMs: 5_000,
};
export const podlessPlugin: PluginFacts = { ...podPlugin, name: 'transfer', path: 'podless', hasCleanup: true };

export function anObservation(more: Partial<Observation> = {}): Observation {
  return {
    uid: UID,
    claim: aClaim(),
    population: undefined,
    home: 'app',
    prime: undefined,
    volume: undefined,
    former: undefined,
    sharedWith: undefined,
    pods: [],
    foreign: undefined,
    plugin: podPlugin,
    access: 'own',
    dataElsewhere: (more.access ?? 'own') !== 'own',
    pinned: more.population?.spec.pinned,
    source: aSource,
    storageClass: aClass(),
    wrapper: undefined,
    local: noLocalFacts,
    ...more,
  };
}

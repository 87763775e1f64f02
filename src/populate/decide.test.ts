import { describe, expect, test } from '@jest/globals';
import {
  aBoundPrime,
  aClaim,
  aClass,
  anObservation,
  aPod,
  aPopulation,
  aPrime,
  aSource,
  aVolume,
  boundClaim,
  EARLIER,
  ended,
  NOW,
  podlessPlugin,
  podPlugin,
  protectedBy,
  UID,
} from '../../test/support/objects.ts';
import {
  ANNOTATION_LAST_NODE,
  ANNOTATION_MAY_HOLD_CONTENT,
  ANNOTATION_RECLAIM_POLICY,
  ANNOTATION_SELECTED_NODE,
  WRAPPER_PROVISIONER,
} from '../api/names.ts';
import type { StorageClass } from '../api/objects.ts';
import type { Action } from './action.ts';
import { decide } from './decide.ts';
import { noLocalFacts, type Observation } from './observation.ts';

const deleted = { deletionTimestamp: '2026-01-02T03:04:00Z' };
const deletedLongAgo = { deletionTimestamp: '2026-01-02T03:03:00Z' };
const foreignPrime = { kind: 'PersistentVolumeClaim', namespace: 'app', name: 'x' };
const ours = aClaim({ meta: protectedBy });
const dying = aClaim({ meta: { ...protectedBy, ...deleted } });
const started = {
  phase: 'Populating' as const,
  attempt: 1,
  prime: { name: 'p', namespace: 'app', uid: 'prime-1' },
  volume: { name: 'pv-1', uid: 'volume-1' },
};
const result = { verification: 'checksum' as const, digest: 'sha256:00', bytes: 1 };
const seen = (found: 'empty' | 'content') => ({ ...started, volume: { ...started.volume, found } });
const withResult = { ...started, phase: 'Rebinding' as const, result };
const primeVolume = aVolume('prime-1');
const report = JSON.stringify({ outcome: 'succeeded', targets: [result] });
const retained = (claimUid: string, meta: object = {}) =>
  aVolume(claimUid, { meta, spec: { persistentVolumeReclaimPolicy: 'Retain' } });
const running = { claim: ours, population: aPopulation(started), prime: aBoundPrime, volume: primeVolume };
const elsewhere = { home: 'populators', access: 'granted' } as const;
const revoked = { home: 'populators', access: 'denied', source: undefined } as const;
const wffc = aClass({ volumeBindingMode: 'WaitForFirstConsumer' });
const aWrapper = (more: Partial<StorageClass> = {}) =>
  aClass({ provisioner: WRAPPER_PROVISIONER, parameters: { targetClass: 'fast' }, ...more });
const target = { storageClass: 'fast', volumeClass: 'fast', reclaimPolicy: 'Delete' as const };
const refusedOnce = (handBackAt: string) => ({ refusals: 1, nodes: ['n1'], seen: '1', handBackAt });
const awaited = (askAgainAt: number) =>
  ({ reason: 'SnapshotNotReady', message: 'not ready', mood: 'blocked', askAgainAt }) as const;
const onNode = (node: string) => ({ annotations: { [ANNOTATION_SELECTED_NODE]: node } });
const pod = (attempt: number, ...rest: Parameters<typeof aPod> extends [number, ...infer R] ? R : never) => ({
  attempt,
  pod: aPod(attempt, ...rest),
});

const wordOf = (found: 'empty' | 'content') => JSON.stringify({ outcome: 'unfinished', found });
const notEmpty = JSON.stringify({
  outcome: 'failed',
  reason: 'VolumeNotEmpty',
  message: 'm',
  permanent: true,
  found: 'content',
});
const inspected = (message: string, found: 'empty' | undefined) => ({
  ...ended(1, message),
  initContainerStatuses: [
    {
      name: 'inspector',
      state: {
        terminated: { exitCode: 0, message: JSON.stringify({ outcome: 'inspected', ...(found && { found }) }) },
      },
    },
  ],
});
const sharedWith = aVolume('other', { meta: { name: 'pv-other', uid: 'volume-other' } });
const permissive = aClass({
  metadata: { ...aClass().metadata, annotations: { [ANNOTATION_MAY_HOLD_CONTENT]: 'true' } },
});

type Row = readonly [
  name: string,
  given: Partial<Observation>,
  expected: Partial<Action> & { readonly type: Action['type'] },
];
const wait = (reason: string, more: object = {}) =>
  ({ type: 'Wait', waiting: expect.objectContaining({ reason, ...more }) }) as never;
const failure = (reason: string, more: object = {}) =>
  ({ type: 'RecordFailure', failure: expect.objectContaining({ reason }), ...more }) as never;

const renewing = { ...podPlugin, choosesPath: true, hasRenew: true };
const unprovisioned = { claim: ours, population: aPopulation(), prime: aPrime(), plugin: renewing };

const rows: readonly Row[] = [
  ['a prime without a volume: the plugin is asked whether to go on', unprovisioned, { type: 'Renew' }],
  [
    'a prime without a volume: and asked again later',
    { ...unprovisioned, local: { ...noLocalFacts, renewedAt: NOW - 1_000 } },
    wait('Provisioning', { until: NOW + 29_000 }),
  ],
  [
    'a prime without a volume: and says no, the prime goes',
    {
      ...unprovisioned,
      local: { ...noLocalFacts, failure: { reason: 'SnapshotBeingDeleted', message: 'm', scope: 'attempt' } },
    },
    failure('SnapshotBeingDeleted', { final: false, failure: expect.objectContaining({ discardPrime: true }) }),
  ],
  // Not ours, or nothing to do.
  ['a claim of no plugin', { plugin: undefined }, { type: 'Ignore' }],
  [
    "another controller's claim, in the middle of its work",
    { ...running, plugin: undefined, pods: [pod(1, { phase: 'Running' })] },
    { type: 'Ignore' },
  ],
  ["another controller's claim, being deleted", { ...running, claim: dying, plugin: undefined }, { type: 'Ignore' }],
  ['a claim that the user bound himself', { claim: aClaim({ spec: { volumeName: 'pv-static' } }) }, { type: 'Ignore' }],
  [
    'a claim that a provisioner bound before we began',
    { claim: aClaim({ spec: { volumeName: `pvc-${UID}` } }) },
    { type: 'CreateRecord' },
  ],
  [
    'the same, with a record to tell of it',
    {
      claim: aClaim({ spec: { volumeName: `pvc-${UID}` } }),
      population: aPopulation({}, { pinned: undefined, meta: { finalizers: [] } }),
    },
    failure('DataSourceIgnored', { final: true }),
  ],
  [
    'a plain claim of a wrapper class with a volume of the same name',
    { claim: aClaim({ spec: { volumeName: `pvc-${UID}` } }), plugin: { ...podlessPlugin, byProvisioner: true } },
    { type: 'Ignore' },
  ],
  ['a deleted claim without traces', { claim: aClaim({ meta: deleted }) }, { type: 'Ignore' }],
  ['no claim, no traces', { claim: undefined }, { type: 'Ignore' }],
  [
    'a record of a later version, in the middle of its work',
    { ...running, population: aPopulation({ ...started, format: 2 }) },
    { type: 'Ignore' },
  ],
  [
    'its claim, being deleted',
    { ...running, claim: dying, population: aPopulation({ format: 2 }) },
    { type: 'Ignore' },
  ],
  // Gates.
  ['the source is missing', { source: undefined }, wait('PopulatorDataSourceNotFound', { mood: 'blocked' })],
  ['the class is missing', { storageClass: undefined }, wait('StorageClassNotFound')],
  [
    'no class on the claim',
    { claim: { ...aClaim(), spec: { ...aClaim().spec, storageClassName: '' } } },
    wait('StaticVolumesOnly'),
  ],
  [
    'an in-tree class',
    { storageClass: aClass({ provisioner: 'kubernetes.io/no-provisioner' }) },
    wait('ProvisionerNotSupported'),
  ],
  [
    'a source in another namespace, which this controller does not serve',
    { ...elsewhere, access: 'disabled' },
    wait('CrossNamespaceNotSupported', { mood: 'blocked' }),
  ],
  [
    'case 62: no grant: whether the source exists is not told',
    { ...elsewhere, access: 'denied', source: undefined },
    wait('ReferenceNotGranted', { mood: 'blocked' }),
  ],
  ['case 60: granted', elsewhere, { type: 'ProtectClaim' }],
  ['case 7: granted, the source is missing', { ...elsewhere, source: undefined }, wait('PopulatorDataSourceNotFound')],
  [
    'case 61: revoked before there is a prime',
    { ...elsewhere, claim: ours, population: aPopulation(), access: 'denied', source: undefined },
    wait('ReferenceNotGranted'),
  ],
  [
    'case 61: revoked before the first attempt',
    { ...running, ...revoked, population: aPopulation() },
    wait('ReferenceNotGranted'),
  ],
  [
    'case 61: revoked during an attempt',
    { ...running, ...revoked, pods: [pod(1, { phase: 'Running', startTime: EARLIER })] },
    { type: 'ReadProgress' },
  ],
  [
    'case 61: revoked when the attempt is done',
    { ...running, ...revoked, population: aPopulation(withResult) },
    { type: 'Rebind' },
  ],
  [
    'case 61: revoked when the attempt has failed',
    {
      ...running,
      ...revoked,
      population: aPopulation({ ...started, failedAttempt: 1, nextAttemptAt: '2026-01-02T03:04:00Z' }),
    },
    wait('ReferenceNotGranted'),
  ],
  [
    'case 61: revoked when a call has failed',
    {
      ...running,
      ...revoked,
      plugin: podlessPlugin,
      population: aPopulation({ ...started, nextAttemptAt: '2026-01-02T03:04:00Z' }),
    },
    wait('ReferenceNotGranted'),
  ],
  ['case 61: revoked, and the claim is deleted', { ...running, ...revoked, claim: dying }, { type: 'DeletePrime' }],
  [
    'the source was edited before the prime could keep it',
    { ...elsewhere, claim: ours, population: aPopulation(), pinned: undefined, source: { ...aSource, generation: 2 } },
    { type: 'RecordPopulation', pinned: { ...aSource, generation: 2 } },
  ],
  ['no consumer yet', { storageClass: wffc }, wait('WaitingForFirstConsumer', { mood: 'healthy' })],
  ['a foreign prime', { claim: ours, population: aPopulation(), foreign: foreignPrime }, wait('NameTaken')],
  ['a foreign record', { foreign: { ...foreignPrime, kind: 'Population' } }, wait('NameTaken')],
  ['a prime whose record is not seen yet', { foreign: foreignPrime }, { type: 'ProtectClaim' }],
  [
    'the PV controller has not looked at a new claim yet',
    { claim: aClaim({ meta: { creationTimestamp: '2026-01-02T03:04:04Z' } }) },
    wait('Provisioning', { mood: 'routine', until: NOW + 1_000 }),
  ],
  [
    'the PV controller has taken note',
    {
      claim: aClaim({
        meta: {
          creationTimestamp: '2026-01-02T03:04:04Z',
          annotations: { 'volume.kubernetes.io/storage-provisioner': 'csi.example.com' },
        },
      }),
    },
    { type: 'ProtectClaim' },
  ],
  // Wrapper classes.
  [
    'a wrapper that names no target',
    { wrapper: aWrapper({ parameters: {} }), storageClass: undefined },
    wait('WrapperClassInvalid', { mood: 'blocked' }),
  ],
  ['a wrapper whose target is missing', { wrapper: aWrapper(), storageClass: undefined }, wait('TargetClassNotFound')],
  [
    'a wrapper that binds at once over a target that waits',
    { wrapper: aWrapper(), storageClass: wffc },
    wait('WrapperClassInvalid'),
  ],
  [
    'a wrapper that waits for a consumer over a target that does not',
    { wrapper: aWrapper({ volumeBindingMode: 'WaitForFirstConsumer' }) },
    wait('WaitingForFirstConsumer', { mood: 'healthy' }),
  ],
  [
    'a protected claim of a wrapper',
    { claim: ours, wrapper: aWrapper() },
    { type: 'RecordPopulation', pinned: aSource, target },
  ],
  [
    'the wrapper is another one meanwhile: what was recorded stays',
    {
      claim: ours,
      wrapper: aWrapper({ parameters: {} }),
      population: { ...aPopulation(), spec: { ...aPopulation().spec, target } },
    },
    { type: 'CreatePrime', node: undefined },
  ],
  [
    'the recorded target is gone before there is a prime',
    { claim: ours, storageClass: undefined, population: { ...aPopulation(), spec: { ...aPopulation().spec, target } } },
    wait('TargetClassNotFound'),
  ],
  [
    'a clone whose provisioner ignored the source',
    { ...running, plugin: { ...podlessPlugin, byProvisioner: true } },
    failure('DataSourceIgnored', { final: true }),
  ],
  // Steps 1 to 3.
  ['everything is there', {}, { type: 'ProtectClaim' }],
  ['protected', { claim: ours }, { type: 'RecordPopulation', pinned: aSource }],
  [
    'a waiting record',
    { claim: ours, population: aPopulation({}, { pinned: undefined, meta: { finalizers: [] } }) },
    { type: 'RecordPopulation', pinned: aSource },
  ],
  ['recorded', { claim: ours, population: aPopulation() }, { type: 'CreatePrime', node: undefined }],
  [
    'recorded, the source is gone meanwhile',
    { claim: ours, population: aPopulation(), source: undefined },
    { type: 'CreatePrime', node: undefined },
  ],
  [
    'recorded, with a node',
    { claim: aClaim({ meta: { ...protectedBy, ...onNode('n1') } }), population: aPopulation(), storageClass: wffc },
    { type: 'CreatePrime', node: 'n1' },
  ],
  [
    'the plugin prepares first',
    { claim: ours, population: aPopulation(), plugin: { ...podlessPlugin, hasPrepare: true } },
    { type: 'Prepare' },
  ],
  [
    'the plugin awaits something',
    {
      claim: ours,
      population: aPopulation(),
      plugin: { ...podlessPlugin, hasPrepare: true },
      local: { ...noLocalFacts, preparing: awaited(NOW + 500) },
    },
    wait('SnapshotNotReady', { mood: 'blocked', until: NOW + 500 }),
  ],
  [
    'the plugin is asked again',
    {
      claim: ours,
      population: aPopulation(),
      plugin: { ...podlessPlugin, hasPrepare: true },
      local: { ...noLocalFacts, preparing: awaited(NOW) },
    },
    { type: 'Prepare' },
  ],
  [
    'the plugin awaited something, and has prepared',
    {
      claim: ours,
      population: aPopulation(),
      plugin: { ...podlessPlugin, hasPrepare: true },
      local: { ...noLocalFacts, preparing: awaited(NOW + 500), prepared: true },
    },
    { type: 'CreatePrime', node: undefined },
  ],
  ['the prime waits for its volume', { claim: ours, population: aPopulation(), prime: aPrime() }, wait('Provisioning')],
  [
    'the prime is bound, the volume not yet seen',
    { claim: ours, population: aPopulation(), prime: aBoundPrime },
    wait('Provisioning'),
  ],
  [
    'the provisioner gave up on the node',
    {
      claim: aClaim({ meta: { ...protectedBy, ...onNode('n1') } }),
      population: aPopulation(),
      storageClass: wffc,
      prime: aPrime({ meta: { annotations: { [ANNOTATION_LAST_NODE]: 'n1' } } }),
    },
    { type: 'RecordRefusal', node: 'n1' },
  ],
  [
    'it did so again: the scheduler would choose the same node at once',
    {
      claim: aClaim({ meta: { ...protectedBy, ...onNode('n1') } }),
      population: aPopulation({ placement: refusedOnce('2026-01-02T03:04:07.000Z') }),
      storageClass: wffc,
      prime: aPrime({ meta: { annotations: { [ANNOTATION_LAST_NODE]: 'n1' } } }),
    },
    wait('WaitingForNode', { until: NOW + 2_000, message: expect.stringContaining('on node n1') }),
  ],
  [
    'a version of the prime that no refusal was recorded for',
    {
      claim: aClaim({ meta: { ...protectedBy, ...onNode('n1') } }),
      population: aPopulation({ placement: refusedOnce('2026-01-02T03:04:07.000Z') }),
      storageClass: wffc,
      prime: aPrime({ meta: { resourceVersion: '2', annotations: { [ANNOTATION_LAST_NODE]: 'n1' } } }),
    },
    { type: 'RecordRefusal', node: 'n1' },
  ],
  [
    'the scheduler changed its mind before there is a volume',
    {
      claim: aClaim({ meta: { ...protectedBy, ...onNode('n2') } }),
      population: aPopulation(),
      storageClass: wffc,
      prime: aPrime({ meta: onNode('n1') }),
    },
    { type: 'SetPrimeNode', node: 'n2' },
  ],
  [
    'the volume takes long: is the node still there?',
    {
      claim: aClaim({ meta: { ...protectedBy, ...onNode('n1') } }),
      population: aPopulation(),
      storageClass: wffc,
      prime: aPrime({ meta: onNode('n1') }),
    },
    { type: 'LookForNode', node: 'n1' },
  ],
  [
    'it is',
    {
      claim: aClaim({ meta: { ...protectedBy, ...onNode('n1') } }),
      population: aPopulation(),
      storageClass: wffc,
      prime: aPrime({ meta: onNode('n1') }),
      local: { ...noLocalFacts, nodeLook: { node: 'n1', at: NOW, gone: false } },
    },
    wait('Provisioning', { until: NOW + 30_000 }),
  ],
  [
    'it is gone, and the provisioner does not give up on it',
    {
      claim: aClaim({ meta: { ...protectedBy, ...onNode('n1') } }),
      population: aPopulation(),
      storageClass: wffc,
      prime: aPrime({ meta: onNode('n1') }),
      local: { ...noLocalFacts, nodeLook: { node: 'n1', at: NOW, gone: true } },
    },
    { type: 'RecordRefusal', node: 'n1' },
  ],
  [
    'the refusal is recorded and the wait is over',
    {
      claim: aClaim({ meta: { ...protectedBy, ...onNode('n1') } }),
      population: aPopulation({ placement: refusedOnce('2026-01-02T03:04:05.000Z') }),
      storageClass: wffc,
      prime: aPrime({
        meta: { annotations: { [ANNOTATION_LAST_NODE]: 'n1' } },
      }),
    },
    { type: 'HandBackNode', node: 'n1' },
  ],
  [
    'the scheduler chose another node',
    {
      claim: aClaim({ meta: { ...protectedBy, ...onNode('n2') } }),
      population: aPopulation(),
      storageClass: wffc,
      prime: aPrime({ meta: { annotations: { [ANNOTATION_LAST_NODE]: 'n1' } } }),
    },
    { type: 'SetPrimeNode', node: 'n2' },
  ],
  [
    'handed back, not chosen again',
    {
      claim: ours,
      population: aPopulation(),
      storageClass: wffc,
      prime: aPrime({ meta: { annotations: { [ANNOTATION_LAST_NODE]: 'n1' } } }),
    },
    wait('WaitingForNode'),
  ],
  [
    'the volume lacks an access mode',
    {
      ...running,
      population: aPopulation(),
      claim: aClaim({ meta: protectedBy, spec: { accessModes: ['ReadWriteMany'] } }),
    },
    failure('VolumeRefused', { final: true }),
  ],
  // A volume that a pod found empty goes with its prime, whatever its class says; all others keep their policy.
  [
    'no pod has looked into a volume that its class retains',
    { ...running, population: aPopulation(), volume: retained('prime-1') },
    { type: 'StartAttempt' },
  ],
  [
    'a pod found it empty, and the record does not know it',
    { ...running, volume: retained('prime-1'), pods: [pod(1, ended(1, wordOf('empty')))] },
    { type: 'RecordFinding', found: 'empty' },
  ],
  [
    'the same of a pod that an init container looked for',
    { ...running, volume: retained('prime-1'), pods: [pod(1, inspected('boom', 'empty'))] },
    { type: 'RecordFinding', found: 'empty' },
  ],
  [
    'a container without a look of its own cannot say what its init container did not find',
    { ...running, volume: retained('prime-1'), pods: [pod(1, inspected(wordOf('empty'), undefined))] },
    failure('PopulatorFailed'),
  ],
  [
    'a pod of another attempt says nothing of this volume',
    { ...running, claim: dying, volume: retained('prime-1'), pods: [pod(2, ended(1, wordOf('empty')), deleted)] },
    { type: 'ReleasePod' },
  ],
  [
    'the record knows that it was empty',
    { ...running, population: aPopulation(seen('empty')), volume: retained('prime-1') },
    { type: 'SuspendRetain', volume: retained('prime-1') },
  ],
  [
    'the same, and its claim goes while the pod runs',
    {
      ...running,
      claim: dying,
      population: aPopulation(seen('empty')),
      volume: retained('prime-1'),
      pods: [pod(1, { phase: 'Running' })],
    },
    { type: 'SuspendRetain' },
  ],
  [
    'the same, and it is older than the record: nothing of ours had it made',
    {
      ...running,
      claim: dying,
      population: aPopulation(seen('empty')),
      volume: retained('prime-1', { creationTimestamp: '2026-01-02T02:00:00Z' }),
    },
    { type: 'DeletePrime' },
  ],
  [
    'the same, and its storage is that of another volume',
    { ...running, claim: dying, population: aPopulation(seen('empty')), volume: retained('prime-1'), sharedWith },
    { type: 'DeletePrime' },
  ],
  [
    'what the record calls empty is another volume',
    {
      ...running,
      claim: dying,
      population: aPopulation(seen('empty')),
      volume: retained('prime-1', { uid: 'volume-2' }),
    },
    { type: 'DeletePrime' },
  ],
  [
    'the prime of an empty volume was taken away by force',
    {
      ...running,
      prime: undefined,
      volume: undefined,
      former: retained('prime-1'),
      population: aPopulation({ ...seen('empty'), failedAttempt: 1, discard: 'prime-1' }),
    },
    { type: 'SuspendRetain', volume: retained('prime-1') },
  ],
  [
    'the prime of a volume that no pod has looked into was taken away by force',
    {
      ...running,
      prime: undefined,
      volume: undefined,
      former: retained('prime-1'),
      population: aPopulation({ ...started, failedAttempt: 1, discard: 'prime-1' }),
    },
    { type: 'CreatePrime', node: undefined },
  ],
  [
    'the volume would be retained, and somebody has begun to delete it',
    { ...running, population: aPopulation(), volume: retained('prime-1', deleted) },
    { type: 'DeletePrime' },
  ],
  // Content of others.
  [
    'a pod found content in the volume',
    { ...running, pods: [pod(1, ended(2, notEmpty))] },
    { type: 'RecordFinding', found: 'content' },
  ],
  [
    'the record says so, and the class would delete it',
    { ...running, population: aPopulation(seen('content')), pods: [pod(1, ended(2, notEmpty))] },
    { type: 'KeepVolume', volume: primeVolume },
  ],
  [
    'it is kept',
    {
      ...running,
      population: aPopulation(seen('content')),
      volume: retained('prime-1'),
      pods: [pod(1, ended(2, notEmpty))],
    },
    failure('VolumeNotEmpty', { final: true }),
  ],
  [
    'it is kept, and everything else goes',
    { ...running, population: aPopulation({ ...seen('content'), phase: 'Failed' }), volume: retained('prime-1') },
    { type: 'DeletePrime' },
  ],
  [
    'the claim is cancelled before its content is kept',
    { ...running, claim: dying, population: aPopulation(seen('content')) },
    { type: 'KeepVolume' },
  ],
  [
    'the volume has the storage of another one',
    { ...running, population: aPopulation(), volume: retained('prime-1'), sharedWith },
    wait('VolumeShared', { mood: 'blocked', message: expect.stringContaining('volume pv-other') }),
  ],
  [
    'the same, and its class would delete it',
    { ...running, population: aPopulation(), sharedWith },
    { type: 'KeepVolume' },
  ],
  [
    'the same in a class whose volumes may hold content',
    { ...running, population: aPopulation(), volume: retained('prime-1'), sharedWith, storageClass: permissive },
    { type: 'StartAttempt' },
  ],
  [
    'a class that gives one directory to all its volumes',
    { storageClass: aClass({ parameters: { pathPattern: 'shared' } }) },
    wait('ClassSharesDirectory', { mood: 'blocked' }),
  ],
  [
    'a class that reads the name of the claim',
    { storageClass: aClass({ parameters: { pathPattern: '{{ .PVC.Name }}' } }) },
    wait('ClassReadsClaim', { mood: 'blocked' }),
  ],
  [
    'a class that reads the namespace, for a source of another one',
    {
      ...elsewhere,
      storageClass: aClass({ parameters: { 'csi.storage.k8s.io/node-stage-secret-namespace': '${pvc.namespace}' } }),
    },
    wait('ClassReadsClaim'),
  ],
  // Step 4 with a pod.
  [
    'the prime is ready',
    { ...running, population: aPopulation() },
    { type: 'StartAttempt', attempt: 1, volume: primeVolume },
  ],
  ['the attempt is recorded', running, { type: 'CreatePod', attempt: 1 }],
  [
    'the pod runs',
    { ...running, pods: [pod(1, { phase: 'Running' })], local: { ...noLocalFacts, progressAt: NOW } },
    wait('Populating', { until: NOW + 5_000 }),
  ],
  ['the pod runs, progress is due', { ...running, pods: [pod(1, { phase: 'Running' })] }, { type: 'ReadProgress' }],
  [
    'the image cannot be pulled',
    {
      ...running,
      pods: [
        pod(1, {
          phase: 'Pending',
          containerStatuses: [{ name: 'populator', state: { waiting: { reason: 'ImagePullBackOff' } } }],
        }),
      ],
      local: { ...noLocalFacts, podReviewed: 1 },
    },
    wait('ImagePullFailed', { mood: 'stuck' }),
  ],
  [
    'a pod on a silent node, progress is due',
    {
      ...running,
      pods: [
        pod(1, {
          phase: 'Running',
          conditions: [{ type: 'Ready', status: 'False' }],
          containerStatuses: [{ name: 'populator', state: { running: {} } }],
        }),
      ],
    },
    wait('NodeLost', { mood: 'stuck' }),
  ],
  [
    'a pod that has not started, made before this controller',
    { ...running, pods: [pod(1)] },
    { type: 'ReviewPod', attempt: 1 },
  ],
  [
    'a pod that was to end long ago, on a node that says nothing',
    { ...running, pods: [pod(1, { phase: 'Running' }, { deletionTimestamp: '2026-01-02T03:03:00Z' })] },
    wait('NodeLost', { mood: 'stuck' }),
  ],
  [
    'the pod was evicted in what would have been the last attempt',
    {
      ...running,
      population: aPopulation({ ...started, failures: 9 }),
      pods: [
        pod(1, {
          ...ended(143, undefined),
          conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }],
        }),
      ],
    },
    failure('PodEvicted', { final: false }),
  ],
  [
    'the last of the attempts failed, evictions not counted',
    { ...running, population: aPopulation({ ...started, failures: 11, excused: 2 }), pods: [pod(1, ended(1, 'boom'))] },
    failure('PopulatorFailed', { final: true }),
  ],
  ['the pod succeeded', { ...running, pods: [pod(1, ended(0, report))] }, { type: 'RecordResult', result }],
  [
    'the pod of an image that reports nothing succeeded',
    { ...running, pods: [pod(1, ended(0, undefined))] },
    { type: 'RecordResult', result: { verification: 'plugin' } },
  ],
  [
    'the pod of a plugin that always reports ended well, but without a report',
    { ...running, plugin: { ...podPlugin, reports: true }, pods: [pod(1, ended(0, undefined))] },
    failure('PopulatorFailed', { final: false }),
  ],
  ['the pod failed', { ...running, pods: [pod(1, ended(1, 'boom'))] }, failure('PopulatorFailed', { final: false })],
  [
    'the pod says that it is permanent',
    {
      ...running,
      pods: [
        pod(
          1,
          ended(2, JSON.stringify({ outcome: 'failed', reason: 'ChecksumMismatch', message: 'm', permanent: true })),
        ),
      ],
    },
    failure('ChecksumMismatch', { final: true, nextAttemptAt: undefined }),
  ],
  [
    'exit code 0 with a report of failure is no success',
    {
      ...running,
      pods: [pod(1, ended(0, JSON.stringify({ outcome: 'failed', reason: 'X', message: 'm', permanent: false })))],
    },
    failure('X'),
  ],
  [
    'the pod was taken away by force',
    { ...running, local: { ...noLocalFacts, podSeen: 1 } },
    { type: 'RecordFailure', failure: expect.objectContaining({ reason: 'PodLost', discardPrime: true }) } as never,
  ],
  [
    'the last of the attempts failed',
    { ...running, population: aPopulation({ ...started, failures: 9 }), pods: [pod(1, ended(1, 'boom'))] },
    failure('PopulatorFailed', { final: true }),
  ],
  [
    'waiting before the next attempt',
    {
      ...running,
      population: aPopulation({ ...started, failedAttempt: 1, nextAttemptAt: '2026-01-02T03:05:00.000Z' }),
    },
    wait('Backoff', { until: NOW + 55_000 }),
  ],
  [
    'the wait is over, the old pod still there',
    { ...running, population: aPopulation({ ...started, failedAttempt: 1 }), pods: [pod(1, ended(1, 'boom'))] },
    { type: 'DeletePod' },
  ],
  [
    'the old pod is deleted and terminal',
    {
      ...running,
      population: aPopulation({ ...started, failedAttempt: 1 }),
      pods: [pod(1, ended(1, 'boom'), deleted)],
    },
    { type: 'ReleasePod' },
  ],
  [
    'the old pod is deleted and may still run',
    {
      ...running,
      population: aPopulation({ ...started, failedAttempt: 1 }),
      pods: [pod(1, { phase: 'Running' }, deleted)],
    },
    wait('Populating'),
  ],
  [
    'the next attempt, and nothing proves that what is in the volume is ours',
    { ...running, population: aPopulation({ ...started, failedAttempt: 1 }) },
    { type: 'DeletePrime' },
  ],
  [
    'the next attempt on a device, which no look can judge',
    {
      ...running,
      population: aPopulation({ ...started, failedAttempt: 1 }),
      claim: aClaim({ meta: protectedBy, spec: { volumeMode: 'Block' } }),
      volume: aVolume('prime-1', { spec: { volumeMode: 'Block' } }),
    },
    { type: 'StartAttempt', attempt: 2 },
  ],
  [
    'the next attempt',
    { ...running, population: aPopulation({ ...seen('empty'), failedAttempt: 1 }) },
    { type: 'StartAttempt', attempt: 2, volume: primeVolume },
  ],
  // Step 4 by calls.
  ['the plugin is called', { ...running, plugin: podlessPlugin }, { type: 'CallPopulate', attempt: 1 }],
  [
    'the plugin is asked',
    { ...running, plugin: podlessPlugin, local: { ...noLocalFacts, startedAttempt: 1 } },
    { type: 'CallComplete', attempt: 1 },
  ],
  [
    'not yet',
    {
      ...running,
      plugin: podlessPlugin,
      local: {
        ...noLocalFacts,
        startedAttempt: 1,
        answer: { done: false, attempt: 1, askAgainAt: NOW + 1, progress: undefined },
      },
    },
    wait('Populating', { until: NOW + 1 }),
  ],
  [
    'the plugin is done',
    {
      ...running,
      plugin: podlessPlugin,
      local: { ...noLocalFacts, startedAttempt: 1, answer: { done: true, attempt: 1, result } },
    },
    { type: 'RecordResult', result },
  ],
  [
    'an answer to an earlier attempt counts for nothing',
    {
      ...running,
      plugin: podlessPlugin,
      local: { ...noLocalFacts, startedAttempt: 1, answer: { done: true, attempt: 0, result } },
    },
    { type: 'CallComplete', attempt: 1 },
  ],
  [
    'a call failed',
    {
      ...running,
      plugin: podlessPlugin,
      local: { ...noLocalFacts, failure: { reason: 'R', message: 'm', scope: 'call' } },
    },
    failure('R', { final: false }),
  ],
  [
    'a pod-less attempt failed: only a new volume is clean',
    {
      ...running,
      plugin: podlessPlugin,
      local: { ...noLocalFacts, failure: { reason: 'R', message: 'm', scope: 'attempt' } },
    },
    { type: 'RecordFailure', failure: expect.objectContaining({ discardPrime: true }) } as never,
  ],
  // The prime is lost on the way.
  [
    'the prime was deleted by somebody',
    { ...running, prime: aPrime({ spec: { volumeName: 'pv-1' }, phase: 'Bound', meta: deleted }) },
    failure('PrimeLost'),
  ],
  ['the prime is gone', { ...running, prime: undefined, volume: undefined }, failure('PrimeLost')],
  [
    'the volume was deleted by somebody',
    { ...running, volume: aVolume('prime-1', { meta: deleted }) },
    failure('PrimeLost'),
  ],
  [
    'the discarded prime goes',
    { ...running, population: aPopulation({ attempt: 1, failedAttempt: 1, discard: 'prime-1' }) },
    { type: 'DeletePrime' },
  ],
  [
    'a new prime after the discarded one',
    { claim: ours, population: aPopulation({ attempt: 1, failedAttempt: 1, discard: 'prime-1' }) },
    { type: 'CreatePrime', node: undefined },
  ],
  // Steps 5 and 6.
  [
    'a result, the pod still there',
    { ...running, population: aPopulation(withResult), pods: [pod(1, ended(0, report))] },
    { type: 'DeletePod' },
  ],
  ['a result, the pod gone', { ...running, population: aPopulation(withResult) }, { type: 'Rebind' }],
  [
    'a result, the prime is another one',
    { ...running, population: aPopulation({ ...withResult, prime: { ...started.prime, uid: 'prime-0' } }) },
    failure('VolumeLost'),
  ],
  [
    'a result, the volume is Released by a deleted prime',
    { ...running, population: aPopulation(withResult), prime: undefined },
    failure('VolumeLost'),
  ],
  ['swapped', { ...running, population: aPopulation(withResult), volume: aVolume(UID) }, wait('Binding')],
  [
    'swapped long ago, not bound',
    {
      ...running,
      population: aPopulation(withResult),
      volume: aVolume(UID, { meta: { annotations: { 'volprime.dev/populated-at': '2026-01-02T03:00:00Z' } } }),
    },
    wait('VolumeRefused', { mood: 'blocked' }),
  ],
  [
    'swapped, and deleted by somebody just now',
    { ...running, population: aPopulation(withResult), volume: aVolume(UID, { meta: deleted }) },
    wait('Binding', { until: Date.parse(deleted.deletionTimestamp) + 20_000 }),
  ],
  [
    'swapped, deleted by somebody, and never bound',
    { ...running, population: aPopulation(withResult), volume: aVolume(UID, { meta: deletedLongAgo }) },
    failure('VolumeLost', { final: false }),
  ],
  [
    'swapped, deleted by somebody, and bound all the same',
    {
      ...running,
      claim: boundClaim('pv-1'),
      population: aPopulation(withResult),
      volume: aVolume(UID, { meta: deletedLongAgo }),
    },
    { type: 'ReleasePrime' },
  ],
  [
    'the prime of a volume that was lost so is made anew',
    { ...running, population: aPopulation({ attempt: 1, failedAttempt: 1, discard: 'prime-1' }), volume: undefined },
    { type: 'DeletePrime' },
  ],
  [
    'named, binding not complete',
    {
      ...running,
      claim: aClaim({ meta: protectedBy, spec: { volumeName: 'pv-1' } }),
      population: aPopulation(withResult),
      volume: aVolume(UID),
    },
    wait('Binding'),
  ],
  [
    'bound to our volume',
    { ...running, claim: boundClaim('pv-1'), population: aPopulation(withResult), volume: aVolume(UID) },
    { type: 'ReleasePrime' },
  ],
  [
    'bound to our volume by somebody who cleared its claimRef before the data was complete',
    { ...running, claim: boundClaim('pv-1'), volume: aVolume(UID) },
    failure('BoundElsewhere', { final: true }),
  ],
  ['bound elsewhere', { ...running, claim: boundClaim('pv-other') }, failure('BoundElsewhere', { final: true })],
  [
    'bound elsewhere, ours was swapped',
    {
      claim: boundClaim('pv-other'),
      population: aPopulation({ ...withResult, phase: 'Failed' }),
      volume: aVolume(UID),
    },
    { type: 'DeleteVolume', volume: aVolume(UID) },
  ],
  [
    'bound elsewhere, ours was swapped and is retained',
    {
      claim: boundClaim('pv-other'),
      population: aPopulation({ ...withResult, ...seen('empty'), phase: 'Failed' }),
      volume: retained(UID),
    },
    { type: 'SuspendRetain' },
  ],
  [
    'the same, and no pod found it empty',
    {
      claim: boundClaim('pv-other'),
      population: aPopulation({ ...withResult, phase: 'Failed' }),
      volume: retained(UID),
    },
    { type: 'ReleaseClaim' },
  ],
  [
    'bound elsewhere, ours was swapped and goes with its policy changed',
    {
      claim: boundClaim('pv-other'),
      population: aPopulation({ ...withResult, phase: 'Failed' }),
      volume: aVolume(UID, { meta: { annotations: { [ANNOTATION_RECLAIM_POLICY]: 'Retain' } } }),
    },
    { type: 'ReleaseClaim' },
  ],
  [
    'the cleanup function failed, and somebody lets the claim go without it',
    {
      claim: aClaim({ meta: { ...protectedBy, ...deleted, annotations: { 'volprime.dev/skip-cleanup': 'true' } } }),
      plugin: podlessPlugin,
      population: aPopulation(started),
      local: { ...noLocalFacts, cleanupFailures: 1, cleanupRetryAt: NOW + 1_000 },
    },
    { type: 'SkipCleanup' },
  ],
  // Step 7.
  [
    'the cleanup function comes before the prime goes',
    {
      ...running,
      plugin: podlessPlugin,
      claim: boundClaim('pv-1'),
      population: aPopulation(withResult),
      volume: aVolume(UID),
    },
    { type: 'CallCleanup' },
  ],
  [
    'the prime is let go',
    {
      ...running,
      claim: boundClaim('pv-1'),
      population: aPopulation(withResult),
      volume: aVolume(UID),
      prime: aPrime({ spec: { volumeName: 'pv-1' }, meta: { finalizers: [] } }),
    },
    { type: 'DeletePrime' },
  ],
  [
    'the prime is deleted',
    {
      ...running,
      claim: boundClaim('pv-1'),
      population: aPopulation(withResult),
      volume: aVolume(UID),
      prime: aPrime({ spec: { volumeName: 'pv-1' }, meta: deleted }),
    },
    { type: 'ReleasePrime' },
  ],
  [
    'the prime is gone, the claim still held',
    {
      ...running,
      claim: boundClaim('pv-1'),
      population: aPopulation(withResult),
      volume: aVolume(UID),
      prime: undefined,
    },
    { type: 'ReleaseClaim' },
  ],
  [
    'the claim is let go',
    {
      claim: aClaim({
        meta: { annotations: boundClaim('pv-1').metadata.annotations ?? {} },
        spec: { volumeName: 'pv-1' },
      }),
      population: aPopulation(withResult),
      volume: aVolume(UID),
    },
    { type: 'RecordSuccess' },
  ],
  [
    'success is recorded',
    {
      claim: aClaim({
        meta: { annotations: boundClaim('pv-1').metadata.annotations ?? {} },
        spec: { volumeName: 'pv-1' },
      }),
      population: aPopulation({ ...withResult, phase: 'Succeeded' }),
      volume: aVolume(UID),
    },
    { type: 'ReleasePopulation' },
  ],
  [
    'at rest',
    {
      claim: aClaim({
        meta: { annotations: boundClaim('pv-1').metadata.annotations ?? {} },
        spec: { volumeName: 'pv-1' },
      }),
      population: aPopulation({ ...withResult, phase: 'Succeeded' }, { meta: { finalizers: [] } }),
      volume: aVolume(UID),
      source: undefined,
    },
    { type: 'Ignore' },
  ],
  // Step 8.
  [
    'cancelled while the pod runs',
    { ...running, claim: dying, pods: [pod(1, { phase: 'Running' })] },
    { type: 'DeletePod' },
  ],
  [
    'cancelled, source and class are gone',
    { ...running, claim: dying, source: undefined, storageClass: undefined },
    { type: 'DeletePrime' },
  ],
  [
    'cancelled under Retain before a pod has looked: the volume stays',
    { ...running, claim: dying, volume: retained('prime-1') },
    { type: 'DeletePrime' },
  ],
  [
    "cancelled after the swap under Retain: the volume is the claim's",
    { ...running, claim: dying, volume: aVolume(UID, { spec: { persistentVolumeReclaimPolicy: 'Retain' } }) },
    { type: 'ReleasePrime' },
  ],
  [
    'cancelled while the volume may be on its way',
    { claim: dying, population: aPopulation(), prime: aPrime({ meta: { deletionTimestamp: '2026-01-02T03:04:04Z' } }) },
    wait('CleaningUp', { until: NOW + 1_000 }),
  ],
  ['cancelled, all gone but the finalizer', { claim: dying, population: aPopulation() }, { type: 'ReleaseClaim' }],
  ['cancelled, the claim is gone', { claim: undefined, population: aPopulation() }, { type: 'ReleasePopulation' }],
  [
    'the claim was recreated: the old record ends',
    { claim: undefined, population: aPopulation(), prime: aPrime() },
    { type: 'DeletePrime' },
  ],
  // Failed for good.
  ['failed: everything goes', { ...running, population: aPopulation({ phase: 'Failed' }) }, { type: 'DeletePrime' }],
  [
    'failed: at rest',
    { claim: aClaim(), population: aPopulation({ phase: 'Failed' }, { meta: { finalizers: [] } }) },
    { type: 'Ignore' },
  ],
  [
    'failed, the source was edited',
    {
      claim: aClaim(),
      population: aPopulation({ phase: 'Failed' }, { meta: { finalizers: [] } }),
      source: { ...aSource, generation: 2 },
    },
    { type: 'ProtectClaim' },
  ],
  [
    'failed, the source was edited, protected',
    {
      claim: ours,
      population: aPopulation({ phase: 'Failed' }, { meta: { finalizers: [] } }),
      source: { ...aSource, generation: 2 },
    },
    { type: 'RecordPopulation', pinned: { ...aSource, generation: 2 } },
  ],
  [
    're-pinned: the old failure counts no more',
    {
      claim: ours,
      population: aPopulation(
        { phase: 'Failed', failures: 9, nextAttemptAt: '2027-01-01T00:00:00Z' },
        { meta: { generation: 2 } },
      ),
    },
    { type: 'CreatePrime', node: undefined },
  ],
];

describe('decide', () => {
  test.each(rows)('%s', (_name, given, expected) => {
    expect(decide(anObservation(given), NOW)).toEqual(expect.objectContaining(expected));
  });

  test('is told the same for every observation twice', () => {
    for (const [, given] of rows) expect(decide(anObservation(given), NOW)).toEqual(decide(anObservation(given), NOW));
  });
});

/** Actors, and what is in the cluster before they ask. */
import {
  ANNOTATION_POPULATED_BY,
  CLAIM_FINALIZER,
  LABEL_CLAIM_UID,
  LABEL_MANAGED_BY,
  podName,
  populationName,
  primeName,
} from '../../src/api/names.ts';
import { proofFor } from '../../src/api/proof.ts';
import { UID } from '../support/objects.ts';
import type { Actor } from './guard-ground.ts';

export const OTHER = 'd2a1b2c3-0000-4000-8000-000000000002';
export const account = (namespace: string, name: string): Actor => ({
  user: `system:serviceaccount:${namespace}:${name}`,
});
export const kubelet: Actor = { user: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
export const tenant: Actor = { user: 'tenant' };
/** All but pods/exec, and none of the two verbs. */
export const keeper: Actor = { user: 'keeper' };
export const executor: Actor = { user: 'executor' };
export const admin: Actor = { user: 'admin', groups: ['system:masters'] };
export const releaser = account('volprime-release', 'volprime-release');
export const controller = account('volprime-system', 'volprime-controller');
export const replicaSets = account('kube-system', 'replicaset-controller');
export const collector = account('kube-system', 'generic-garbage-collector');
export const ephemeral = account('kube-system', 'ephemeral-volume-controller');

export const core = (kind: string, metadata: object, rest: object = {}) => ({
  apiVersion: 'v1',
  kind,
  metadata,
  ...rest,
});
export const inApp = (name: string, more: object = {}) => ({ name, namespace: 'app', ...more });
export const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
export const claim = (name: string, more: object = {}) =>
  core('PersistentVolumeClaim', inApp(name, more), { spec: claimSpec });
export const podSpec = { containers: [{ name: 'main', image: 'populator:1' }], automountServiceAccountToken: false };
export const pod = (name: string, more: object = {}, spec: object = {}) =>
  core('Pod', inApp(name, more), { spec: { ...podSpec, ...spec } });
export const volume = (name: string, claimName: string, uid: string, more: object = {}) =>
  core(
    'PersistentVolume',
    { name, ...more },
    {
      spec: {
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '1Gi' },
        csi: { driver: 'd.example.com', volumeHandle: name },
        claimRef: { kind: 'PersistentVolumeClaim', namespace: 'app', name: claimName, uid },
        persistentVolumeReclaimPolicy: 'Retain',
      },
    },
  );
export const SNAPSHOT = 'snapshot.storage.k8s.io/v1';
export const snapshot = (name: string, content: string, metadata: object = {}) => ({
  apiVersion: SNAPSHOT,
  kind: 'VolumeSnapshot',
  metadata: inApp(name, metadata),
  spec: { source: { volumeSnapshotContentName: content } },
});
export const content = (name: string, deletionPolicy: string) => ({
  apiVersion: SNAPSHOT,
  kind: 'VolumeSnapshotContent',
  metadata: { name },
  spec: { driver: 'd', deletionPolicy, source: { snapshotHandle: 'h' }, volumeSnapshotRef: inApp('s') },
});
export const record = (name: string, metadata: object = {}) => ({
  apiVersion: 'volprime.dev/v1alpha1',
  kind: 'Population',
  metadata: inApp(name, metadata),
  spec: { claim: { name: 'data', uid: UID }, source: { group: 'g.example.com', kind: 'K', name: 'n' } },
});
export const marks = {
  labels: { [LABEL_MANAGED_BY]: 'volprime', [LABEL_CLAIM_UID]: UID },
  annotations: { ...proofFor({ kind: 'Population', uid: 'u' }) },
  finalizers: ['volprime.dev/protection'],
};
export const hook = { annotations: { 'pre.hook.snapshot.volprime.dev/command': '["sync"]' } };
export const workload = (apiVersion: string, kind: string, metadata: object) => ({
  apiVersion,
  kind,
  metadata: inApp('w'),
  spec: {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' }, ...metadata }, spec: podSpec },
  },
});
export const cronJob = {
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: inApp('w'),
  spec: {
    schedule: '* * * * *',
    jobTemplate: { spec: { template: { metadata: hook, spec: { ...podSpec, restartPolicy: 'Never' } } } },
  },
};

export const role = (name: string, rules: object[]) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name },
  rules,
});
export const bound = (name: string, user: string) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: `test-${user}-${name.replaceAll(':', '-')}` },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
});
export const verbs = ['get', 'create', 'update', 'patch', 'delete'];
/** What is there before anybody asks. The built-in roles are sums that nobody adds up here: their parts are bound. */
export const objects: readonly object[] = [
  core('Namespace', { name: 'app' }),
  core('Namespace', { name: 'volprime-release' }),
  ...['app', 'volprime-system', 'kube-system'].map((namespace) =>
    core('ServiceAccount', { name: 'default', namespace }),
  ),
  core('ServiceAccount', inApp('powerful')),
  role('test-keeper', [
    { apiGroups: ['', 'apps', 'batch', 'snapshot.storage.k8s.io'], resources: ['*'], verbs },
    { apiGroups: ['volprime.dev'], resources: ['*'], verbs },
  ]),
  role('test-no-exec', [
    { apiGroups: [''], resources: ['pods', 'pods/status', 'replicationcontrollers'], verbs },
    { apiGroups: ['apps', 'batch'], resources: ['*'], verbs },
  ]),
  role('volprime-release', [
    { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get', 'list', 'patch'] },
    { apiGroups: ['volprime.dev'], resources: ['populations'], verbs: ['get', 'list', 'patch', 'release'] },
  ]),
  bound('system:aggregate-to-edit', 'tenant'),
  bound('test-keeper', 'keeper'),
  bound('test-no-exec', 'patcher'),
  bound('system:aggregate-to-edit', 'executor'),
  bound('volprime-release', releaser.user),
  claim('data'),
  claim('held', { finalizers: [CLAIM_FINALIZER] }),
  claim(primeName(UID), marks),
  pod('app'),
  pod(podName(UID, 1), marks, { nodeName: 'n1' }),
  volume('of-prime', primeName(UID), OTHER),
  volume('of-other', 'data', OTHER),
  volume('handed-over', 'data', UID, { annotations: { [ANNOTATION_POPULATED_BY]: 'app/x' } }),
  record(populationName(UID), marks),
  snapshot('snap', 'snapcontent-1'),
  content('snapcontent-1', 'Delete'),
];

export const patcher: Actor = { user: 'patcher' };

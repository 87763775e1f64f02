/** Who asks for what, and which policy refuses it. */
import {
  ANNOTATION_SELECTED_NODE,
  CLAIM_FINALIZER,
  captureContentName,
  LABEL_CLAIM_UID,
  LABEL_MANAGED_BY,
  podName,
  populationName,
  primeName,
  sourceVolumeClaimName,
} from '../../src/api/names.ts';
import { PROOF_ANNOTATIONS } from '../../src/api/proof.ts';
import type { NewObject } from '../../src/api/objects.ts';
import { settingsOf } from '../../src/pods/index.ts';
import { buildClone, helperMetadata } from '../../src/plugins/snapshot-capture/helper-objects.ts';
import { buildHelperPod, helperPodSettings } from '../../src/plugins/snapshot-capture/helper-pod.ts';
import { PLUGIN_NAME } from '../../src/plugins/snapshot-capture/task.ts';
import { buildPod } from '../../src/populate/pod-spec.ts';
import { buildPrime } from '../../src/populate/prime-spec.ts';
import { aBoundPrime, aClaim, aPopulation, aSource, UID } from '../support/objects.ts';
import type { Actor, Call } from './guard-ground.ts';
import {
  OTHER,
  SNAPSHOT,
  admin,
  claim,
  collector,
  content,
  controller,
  cronJob,
  ephemeral,
  executor,
  hook,
  keeper,
  kubelet,
  marks,
  patcher,
  pod,
  podSpec,
  record,
  releaser,
  replicaSets,
  snapshot,
  tenant,
  workload,
} from './guard-objects.ts';

export interface Row {
  readonly as: Actor;
  readonly does: string;
  readonly call: Call;
  /** Admitted where undefined. */
  readonly refusedBy?: string;
  /** One for each validation. */
  readonly says?: RegExp;
}

const PATHS: Readonly<Record<string, string>> = {
  PersistentVolumeClaim: '/api/v1/namespaces/app/persistentvolumeclaims',
  Pod: '/api/v1/namespaces/app/pods',
  PersistentVolume: '/api/v1/persistentvolumes',
  VolumeSnapshot: `/apis/${SNAPSHOT}/namespaces/app/volumesnapshots`,
  VolumeSnapshotContent: `/apis/${SNAPSHOT}/volumesnapshotcontents`,
  Population: '/apis/volprime.dev/v1alpha1/namespaces/app/populations',
  Deployment: '/apis/apps/v1/namespaces/app/deployments',
  ReplicaSet: '/apis/apps/v1/namespaces/app/replicasets',
  CronJob: '/apis/batch/v1/namespaces/app/cronjobs',
};

type Refusal = readonly [by: string, says: RegExp];

function row(as: Actor, does: string, call: Call, refusal?: Refusal): Row {
  return { as, does, call, ...(refusal && { refusedBy: `volprime-${refusal[0]}`, says: refusal[1] }) };
}

function make(as: Actor, does: string, object: { kind: string } | NewObject, refusal?: Refusal): Row {
  return row(as, `makes ${does}`, { method: 'POST', path: PATHS[object.kind] ?? '', body: object }, refusal);
}

interface Change {
  readonly of: readonly [kind: string, name: string];
  readonly to: object;
}

function change(as: Actor, does: string, { of: [kind, name], to }: Change, refusal?: Refusal): Row {
  return row(as, does, { method: 'PATCH', path: `${PATHS[kind]}/${name}`, body: to }, refusal);
}

function remove(as: Actor, does: string, [kind, name]: Change['of'], refusal?: Refusal): Row {
  return row(as, `deletes ${does}`, { method: 'DELETE', path: `${PATHS[kind]}/${name}` }, refusal);
}

const NAME: Refusal = ['marks', /names "volprime-<uid>"/];
const MARK: Refusal = ['marks', /only the controller of Volprime writes/];
const RELEASE: Refusal = ['marks', /off when its work is done/];
const RECORD: Refusal = ['records', /Populations are written by/];
const HOOK: Refusal = ['hooks', /needs the right to create pods\/exec/];
const meta = (metadata: object) => ({ metadata });
const label = (labels: object) => meta({ labels });
const note = (annotations: object) => meta({ annotations });
const at = (kind: string, name: string, to: object): Change => ({ of: [kind, name], to });
const PVC = 'PersistentVolumeClaim';

const marksRows: readonly Row[] = [
  make(tenant, 'a claim with the name of a prime', claim(primeName(OTHER)), NAME),
  make(tenant, 'a claim with the name of a source volume', claim(sourceVolumeClaimName(OTHER)), NAME),
  make(ephemeral, 'a claim with such a name for a pod of a tenant', claim(primeName(OTHER)), NAME),
  make(tenant, 'a pod with the name of a populator pod', pod(podName(OTHER, 1)), NAME),
  make(replicaSets, 'a pod with our labels from a template', pod('x', { labels: marks.labels }), MARK),
  make(tenant, 'a pod with the proof of a record', pod('x', { annotations: marks.annotations }), MARK),
  make(tenant, 'a claim with a finalizer of ours', claim('x', { finalizers: [CLAIM_FINALIZER] }), MARK),
  make(keeper, 'a content with the name of a capture', content(captureContentName(OTHER), 'Retain'), NAME),
  make(keeper, 'a VolumeSnapshot with a proof', snapshot('x', 'c', { annotations: marks.annotations }), MARK),
  change(tenant, 'labels a pod', at('Pod', 'app', label({ [LABEL_CLAIM_UID]: UID })), MARK),
  change(
    tenant,
    'takes the proof off a prime',
    at(PVC, primeName(UID), note({ [String(PROOF_ANNOTATIONS[0])]: null })),
    MARK,
  ),
  change(tenant, 'takes managed-by off a pod', at('Pod', podName(UID, 1), label({ [LABEL_MANAGED_BY]: null })), MARK),
  change(keeper, 'marks a pod by its status', at('Pod', 'app/status', label({ [LABEL_CLAIM_UID]: UID })), MARK),
  change(
    keeper,
    'writes provenance on a volume',
    at('PersistentVolume', 'of-other', note({ 'volprime.dev/verification': 'checksum' })),
    MARK,
  ),
  change(tenant, 'takes our finalizer off his claim', at(PVC, 'held', meta({ finalizers: null })), RELEASE),
  change(collector, 'takes our finalizer off a claim', at(PVC, 'held', meta({ finalizers: null })), RELEASE),
  change(releaser, 'takes our finalizer off a claim', at(PVC, 'held', meta({ finalizers: null }))),
  change(releaser, 'marks a claim', at(PVC, 'data', note(marks.annotations)), MARK),
  change(admin, 'takes our finalizer off a claim', at(PVC, 'held', meta({ finalizers: null }))),
  make(admin, 'what a backup holds', claim(primeName(OTHER), marks)),
  change(tenant, 'asks to skip the cleanup', at(PVC, 'held', note({ 'volprime.dev/skip-cleanup': 'true' }))),
  change(tenant, 'labels a claim that we hold', at(PVC, 'held', label({ a: 'b' }))),
  change(tenant, 'labels a prime', at(PVC, primeName(UID), label({ a: 'b' }))),
  remove(tenant, 'his claim', [PVC, 'held']),
  remove(tenant, 'a prime', [PVC, primeName(UID)]),
  make(tenant, 'a pod with names near to ours', pod('volprime-app', { labels: { [LABEL_MANAGED_BY]: 'helm' } })),
  change(collector, 'changes owners of our pod', at('Pod', podName(UID, 1), meta({ ownerReferences: null }))),
  row(kubelet, 'deletes a populator pod', { method: 'DELETE', path: `${PATHS['Pod']}/${podName(UID, 1)}` }),
  change(
    kubelet,
    'says what became of a populator pod',
    at('Pod', `${podName(UID, 1)}/status`, { status: { phase: 'Running' } }),
  ),
  make(keeper, 'a record', record('x'), RECORD),
  change(keeper, 'changes a record', at('Population', populationName(UID), { spec: { claim: { name: 'x' } } }), RECORD),
  change(
    keeper,
    'changes its status',
    at('Population', `${populationName(UID)}/status`, { status: { attempt: 9 } }),
    RECORD,
  ),
  change(keeper, 'labels a record', at('Population', populationName(UID), label({ a: 'b' }))),
];

const hookRows: readonly Row[] = [
  make(patcher, 'a pod with a command', pod('x', hook), HOOK),
  change(patcher, 'writes a command into a pod', at('Pod', 'app', note(hook.annotations)), HOOK),
  change(patcher, 'writes one by its status', at('Pod', 'app/status', note(hook.annotations)), HOOK),
  make(patcher, 'a Deployment with a command', workload('apps/v1', 'Deployment', hook), HOOK),
  make(patcher, 'a CronJob with a command', cronJob, HOOK),
  make(executor, 'a pod with a command', pod('x', hook)),
  make(executor, 'a CronJob with a command', cronJob),
  make(patcher, 'a Deployment without', workload('apps/v1', 'Deployment', {})),
  make(replicaSets, 'a pod with a command from a template', pod('x', hook)),
];

const template = {};
const populatorPod = buildPod({
  template,
  settings: settingsOf(
    {
      name: 'p',
      source: { group: 'g', version: 'v1', kind: 'K' },
      schema: { parse: (spec: unknown) => spec },
      pod: () => template,
    },
    {},
    template,
  ),
  claimUid: OTHER,
  attempt: 1,
  population: aPopulation(),
  prime: aBoundPrime,
  image: 'populator:1',
  imagePullPolicy: undefined,
  targetState: 'new',
  examinesVolume: false,
});
const owner = {
  key: OTHER,
  content: { name: 'snapcontent-1', uid: 'c', createdAt: '2026-01-02T03:04:05Z' },
  namespace: 'app',
};
const capturePod = buildHelperPod({
  metadata: helperMetadata('capture', owner),
  task: { version: 1, plugin: PLUGIN_NAME, key: OTHER, action: 'look' },
  settings: helperPodSettings({}),
  image: 'populator:1',
  imagePullPolicy: undefined,
  secret: 'repo',
  repositoryClaim: undefined,
});
const another = aClaim({ meta: { uid: OTHER, annotations: {} } });
const prime = buildPrime({ claim: another, population: aPopulation(), pinned: aSource, home: 'app', node: undefined });
const ours = { labels: { [LABEL_MANAGED_BY]: 'volprime' } };
const ownPod = (spec: object) => pod(podName(OTHER, 1), ours, spec);
const container = (more: object) => ({ containers: [{ ...podSpec.containers[0], ...more }] });
const elsewhere = (namespace: string) => ({
  method: 'POST' as const,
  path: `/api/v1/namespaces/${namespace}/pods`,
  body: { ...populatorPod, metadata: { name: podName(OTHER, 1), namespace, ...ours } },
});
const by = (what: string, says: RegExp): Refusal => [`controller-${what}`, says];
const PLACE = by('pods', /makes nothing in kube-\*/);
const NODE = by('pods', /in a namespace or on a port of the node/);
const TOKEN = by('pods', /a pod with a token/);
const tokenVolume = { volumes: [{ name: 't', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] };
const SWAP = by('volumes', /hands a volume over to no claim/);
const swap = (uid: string) => ({ spec: { claimRef: { name: 'data', uid } } });

const podRows: readonly Row[] = [
  make(controller, 'a populator pod', populatorPod),
  make(controller, 'a pod of a capture', capturePod),
  row(controller, 'makes a pod in kube-system', elsewhere('kube-system'), PLACE),
  row(controller, 'makes a pod in its own namespace', elsewhere('volprime-system'), PLACE),
  make(controller, 'a pod without its label', pod('x'), by('pods', /with the label/)),
  remove(controller, "a tenant's pod", ['Pod', 'app'], by('pods', /with the label/)),
  remove(controller, 'its pod', ['Pod', podName(UID, 1)]),
  change(controller, 'frees its pod', at('Pod', podName(UID, 1), meta({ finalizers: null }))),
  change(
    controller,
    'changes its pod',
    at('Pod', podName(UID, 1), { spec: { activeDeadlineSeconds: 9 } }),
    by('pods', /nothing of a pod but finalizers/),
  ),
  make(
    controller,
    'a pod of another account',
    ownPod({ serviceAccountName: 'powerful' }),
    by('pods', /this ServiceAccount/),
  ),
  make(controller, 'a pod with a token', ownPod({ automountServiceAccountToken: true }), TOKEN),
  make(controller, 'a pod with a token as a volume', ownPod(tokenVolume), TOKEN),
  make(controller, 'a pod of another image', ownPod(container({ image: 'evil:1' })), by('pods', /may not run/)),
  make(
    controller,
    'a pod with an init container of another image',
    ownPod({ initContainers: [{ name: 'i', image: 'evil:2' }] }),
    by('pods', /may not run/),
  ),
  make(
    controller,
    'a pod with a hostPath',
    ownPod({ volumes: [{ name: 'h', hostPath: { path: '/' } }] }),
    by('pods', /hostPath/),
  ),
  make(controller, 'a pod in the network of the node', ownPod({ hostNetwork: true }), NODE),
  make(controller, 'a pod that sees the processes of the node', ownPod({ hostPID: true }), NODE),
  make(
    controller,
    'a pod with a port of the node',
    ownPod(container({ ports: [{ containerPort: 80, hostPort: 80 }] })),
    NODE,
  ),
  make(
    controller,
    'a privileged pod',
    ownPod(container({ securityContext: { privileged: true } })),
    by('pods', /no privileged container/),
  ),
];

const otherRows: readonly Row[] = [
  make(controller, 'a prime', prime),
  make(controller, 'a clone', buildClone(owner, another)),
  make(controller, 'a claim of another name', claim('x'), by('claims', /makes and deletes claims/)),
  remove(controller, "a tenant's claim", [PVC, 'data'], by('claims', /makes and deletes claims/)),
  row(
    controller,
    'makes a claim in kube-system',
    {
      method: 'POST',
      path: '/api/v1/namespaces/kube-system/persistentvolumeclaims',
      body: { ...claim(primeName(OTHER)), metadata: { name: primeName(OTHER) } },
    },
    by('claims', /makes nothing in/),
  ),
  change(
    controller,
    'changes the spec of a claim',
    at(PVC, 'data', { spec: { volumeName: 'of-other' } }),
    by('claims', /no spec of a claim/),
  ),
  change(
    controller,
    'labels a claim',
    at(PVC, 'data', label({ a: 'b' })),
    by('claims', /nothing of a claim of others/),
  ),
  change(
    controller,
    'protects a claim',
    at(PVC, 'data', meta({ finalizers: ['kubernetes.io/pvc-protection', CLAIM_FINALIZER] })),
  ),
  change(
    controller,
    'takes the finalizer of others',
    at(PVC, 'data', meta({ finalizers: null })),
    by('claims', /nothing of a claim of others/),
  ),
  change(controller, 'hands a node back', at(PVC, 'data', note({ [ANNOTATION_SELECTED_NODE]: 'n' }))),
  change(controller, 'hands a volume over', at('PersistentVolume', 'of-prime', swap(UID))),
  change(
    controller,
    'hands a volume to another claim',
    at('PersistentVolume', 'of-prime', swap('e3a1b2c3-0000-4000-8000-000000000003')),
    SWAP,
  ),
  change(
    controller,
    'suspends Retain',
    at('PersistentVolume', 'of-prime', {
      ...note({ 'volprime.dev/reclaim-policy': 'Retain' }),
      spec: { persistentVolumeReclaimPolicy: 'Delete' },
    }),
  ),
  change(
    controller,
    'suspends Retain of a volume that is none of its own',
    at('PersistentVolume', 'of-other', { spec: { persistentVolumeReclaimPolicy: 'Delete' } }),
    by('volumes', /changes and deletes volumes only/),
  ),
  remove(
    controller,
    'a volume that is none of its own',
    ['PersistentVolume', 'of-other'],
    by('volumes', /changes and deletes volumes only/),
  ),
  remove(controller, 'a volume that it handed over', ['PersistentVolume', 'handed-over']),
  change(
    controller,
    'changes the size of a volume',
    at('PersistentVolume', 'of-prime', { spec: { capacity: { storage: '2Gi' } } }),
    by('volumes', /nothing of a volume's spec/),
  ),
  change(
    controller,
    'labels a volume',
    at('PersistentVolume', 'of-prime', label({ a: 'b' })),
    by('volumes', /nothing of a volume's metadata/),
  ),
  make(controller, 'an alias', content(primeName(OTHER), 'Retain')),
  make(
    controller,
    'an alias that deletes',
    content(primeName(OTHER), 'Delete'),
    by('contents', /under the policy Retain/),
  ),
  make(controller, 'the content of a VolumeCapture', content(captureContentName(OTHER), 'Delete')),
  make(controller, 'a content of another name', content('x', 'Retain'), by('contents', /makes and deletes contents/)),
  change(
    controller,
    'changes the policy of a content',
    at('VolumeSnapshotContent', 'snapcontent-1', { spec: { deletionPolicy: 'Retain' } }),
    by('contents', /no spec of a content/),
  ),
  change(
    controller,
    'records a capture on a content',
    at('VolumeSnapshotContent', 'snapcontent-1', note({ 'volprime.dev/capture': '{}' })),
  ),
  make(controller, 'a VolumeSnapshot of its content', snapshot('chosen', captureContentName(OTHER))),
  make(
    controller,
    'a VolumeSnapshot of another content',
    snapshot('x', 'snapcontent-1'),
    by('snapshots', /makes and deletes VolumeSnapshots/),
  ),
  change(
    controller,
    'holds a VolumeSnapshot',
    at('VolumeSnapshot', 'snap', meta({ finalizers: ['volprime.dev/snapshot-restore-protection'] })),
  ),
  change(
    controller,
    'labels a VolumeSnapshot',
    at('VolumeSnapshot', 'snap', label({ a: 'b' })),
    by('snapshots', /nothing of a VolumeSnapshot/),
  ),
];

export const rows: readonly Row[] = [...marksRows, ...hookRows, ...podRows, ...otherRows];
/** Refused as soon as the policies are in force. */
export const probe = make(tenant, 'a prime', claim(primeName(OTHER)), NAME);

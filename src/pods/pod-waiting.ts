/** What a populator pod that has not ended is waiting for, in words for the user. Pure. */
import { foreign, type Text } from '../api/foreign.ts';
import type { Pod } from '../api/objects.ts';
import { INSPECTOR_CONTAINER, POPULATOR_CONTAINER } from './pod-parts.ts';

export interface PodWaiting {
  /** CamelCase reason of the condition. */
  readonly reason: string;
  readonly message: Text;
  /** `routine`: as it should be. `progressing`: may need a look. `stuck`: may mend by itself, and needs somebody if it does not. */
  readonly mood: 'routine' | 'progressing' | 'stuck';
  /** Look again at this time (epoch milliseconds) even if nothing changes. */
  readonly until?: number;
}

/** A node mounts volumes and pulls an image in this time, as a rule. */
const START_MS = 30_000;
/** Beyond the grace period, which the deletion's timestamp includes. */
const END_MS = 15_000;

const IMAGE_REASONS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);
const STARTING = new Set(['ContainerCreating', 'PodInitializing']);

/** The pod is to do its work. */
export function podWaiting(pod: Pod, now: number): PodWaiting {
  if (pod.metadata.deletionTimestamp !== undefined) return podEnding(pod, now);
  return notScheduled(pod) ?? notStarted(pod, now) ?? nodeSilent(pod) ?? atWork(pod);
}

/** The pod is to be gone, and the kubelet has not said yet that its containers have ended. */
export function podEnding(pod: Pod, now: number): PodWaiting {
  const since = Date.parse(pod.metadata.deletionTimestamp ?? '') + END_MS;
  if (since <= now) return nodeLost(pod, 'the pod was asked to end, and its node has not confirmed that it did');
  return {
    reason: 'Populating',
    message: `waiting for pod ${pod.metadata.name} to end`,
    mood: 'routine',
    ...(Number.isFinite(since) && { until: since }),
  };
}

/** Whether any container of the pod was ever started: before that, nothing can have been written. */
export function hasStarted({ status }: Pod): boolean {
  const state = containerState(status);
  return status?.phase !== 'Pending' || state?.running !== undefined || state?.terminated !== undefined;
}

function notScheduled(pod: Pod): PodWaiting | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  const why = foreign(`: ${scheduled.message ?? scheduled.reason ?? 'no node takes it'}`);
  return { reason: 'PodNotScheduled', message: [`pod ${pod.metadata.name} is not scheduled`, why], mood: 'stuck' };
}

function notStarted(pod: Pod, now: number): PodWaiting | undefined {
  if (pod.status?.phase !== 'Pending') return undefined;
  const { reason, message = '' } = containerState(pod.status)?.waiting ?? {};
  if (reason !== undefined && IMAGE_REASONS.has(reason)) {
    // The two come in turns, with the same cause in other words: said as one, it is written once.
    const [word, cause] =
      reason === 'ErrImagePull' || reason === 'ImagePullBackOff'
        ? (['ImagePullBackOff', message.replace(/^Back-off pulling image .*?: ErrImagePull: /s, '')] as const)
        : ([reason, message] as const);
    const said = [`the image of pod ${pod.metadata.name} cannot be pulled`, foreign(` (${word}): ${cause}`)];
    return { reason: 'ImagePullFailed', message: said, mood: 'stuck' };
  }
  if (reason !== undefined && !STARTING.has(reason)) {
    const said = [`the container of pod ${pod.metadata.name} cannot be started`, foreign(` (${reason}): ${message}`)];
    return { reason: 'ContainerNotStarted', message: said, mood: 'stuck' };
  }
  const slow = Date.parse(pod.status.startTime ?? '') + START_MS;
  if (slow > now) return { ...atWork(pod), until: slow };
  if (!Number.isFinite(slow)) return undefined;
  const said = [
    `pod ${pod.metadata.name} was given to a node`,
    foreign(` (${pod.spec.nodeName})`),
    ' and has not started: its image is being pulled, or one of its volumes cannot be mounted',
    foreign(needsOf(pod)),
    '; see the events of the pod',
  ];
  return { reason: 'ContainerNotStarted', message: said, mood: 'progressing' };
}

/** By name alone: nobody here may look whether they are there. The kubelet goes on by itself when they come. */
function needsOf({ metadata, spec }: Pod): string {
  const needs = (spec.volumes ?? []).flatMap(({ secret, configMap }) => [
    ...(secret?.secretName !== undefined && secret.optional !== true ? [`Secret ${secret.secretName}`] : []),
    ...(configMap?.name !== undefined && configMap.optional !== true ? [`ConfigMap ${configMap.name}`] : []),
  ]);
  return needs.length === 0 ? '' : ` (does namespace ${metadata.namespace} have ${needs.join(', ')}?)`;
}

/** The node controller takes a pod's readiness away when its node has not reported for a while; the container may go on. */
function nodeSilent(pod: Pod): PodWaiting | undefined {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  const silent = containerState(pod.status)?.running !== undefined && ready?.status === 'False';
  return silent ? nodeLost(pod, 'the node of the pod does not report') : undefined;
}

function nodeLost(pod: Pod, what: string): PodWaiting {
  const message = [
    `${what} (pod ${pod.metadata.name}`,
    foreign(`, node ${pod.spec.nodeName}`),
    '). Another pod is made when the node reports again, ' +
      'or when it is marked as out of service (taint node.kubernetes.io/out-of-service): two pods never write to one volume',
  ];
  return { reason: 'NodeLost', message, mood: 'stuck' };
}

function atWork(pod: Pod): PodWaiting {
  return { reason: 'Populating', message: `pod ${pod.metadata.name} is populating the volume`, mood: 'routine' };
}

function containerState(status: Pod['status']) {
  const own = status?.containerStatuses?.find(({ name }) => name === POPULATOR_CONTAINER)?.state;
  const look = status?.initContainerStatuses?.find(({ name }) => name === INSPECTOR_CONTAINER)?.state;
  // The look comes first: what keeps it from starting keeps the pod.
  const reason = look?.waiting?.reason;
  return reason !== undefined && !STARTING.has(reason) ? look : own;
}

/** Step 4: the plugin's work on a bound prime, through a pod or by calls. */

import { hasStarted, lastTerminated, podEnding, podFailure, podResult, podWaiting } from '../pods/index.ts';
import { PROTECTION_FINALIZER } from '../api/names.ts';
import type { Claim, Pod } from '../api/objects.ts';
import { hasFinalizer } from '../runtime/index.ts';
import type { Action, Waiting } from './action.ts';
import { failureAction } from './failure.ts';
import { attemptOf, isDeleting, isTerminal, needsAttempt } from './facts.ts';
import type { AttemptPod, Observation, PluginFacts } from './observation.ts';

export function decideAttempt(o: Observation, _claim: Claim, now: number): Action {
  const { plugin, volume } = o;
  if (plugin === undefined || volume === undefined) return populating('waiting for the volume');
  if (needsAttempt(o)) {
    // One writer: whatever earlier attempts left must be gone before the next one is even recorded.
    return clearPods(o.pods, now) ?? { type: 'StartAttempt', attempt: attemptOf(o) + 1, volume };
  }
  return plugin.path === 'pod' ? withPod(o, plugin, now) : byCalls(o, now);
}

/** Removes pods one by one: ask to end, wait for the kubelet's word, let go. Answers undefined when none is left. */
export function clearPods(pods: readonly AttemptPod[], now: number): Action | undefined {
  for (const { pod } of pods) {
    if (!isDeleting(pod)) return { type: 'DeletePod', pod };
    if (!isTerminal(pod)) return { type: 'Wait', waiting: podEnding(pod, now) };
    if (hasFinalizer(pod, PROTECTION_FINALIZER)) return { type: 'ReleasePod', pod };
    return populating(`waiting for pod ${pod.metadata.name} to be gone`);
  }
  return undefined;
}

function withPod(o: Observation, plugin: PluginFacts, now: number): Action {
  const attempt = attemptOf(o);
  const older = o.pods.filter((entry) => entry.attempt !== attempt);
  const clearing = clearPods(older, now);
  if (clearing !== undefined) return clearing;
  const pod = o.pods.find((entry) => entry.attempt === attempt)?.pod;
  if (pod === undefined) return podSeen(o, attempt) ? podLost(o, now) : { type: 'CreatePod', attempt };
  if (isTerminal(pod)) return judge(o, pod, now);
  if (isDeleting(pod)) return { type: 'Wait', waiting: podEnding(pod, now) };
  if (!hasStarted(pod) && o.local.podReviewed !== attempt) return { type: 'ReviewPod', attempt, pod };
  const waiting = podWaiting(pod, now);
  if (waiting.reason !== 'Populating' || pod.status?.phase !== 'Running') return { type: 'Wait', waiting: waiting };
  const readAt = Math.max(o.local.progressAt, startOf(pod)) + plugin.pollIntervalMs;
  if (readAt <= now) return { type: 'ReadProgress', pod };
  return { type: 'Wait', waiting: { ...waiting, until: readAt } };
}

/** Epoch milliseconds, in whole seconds; 0 where the kubelet has not said. */
function startOf(pod: Pod): number {
  return Date.parse(pod.status?.startTime ?? '') || 0;
}

function podSeen(o: Observation, attempt: number): boolean {
  return o.local.podSeen === attempt || o.population?.status?.pod?.name.endsWith(`-${attempt}`) === true;
}

/** Our finalizer was on it: somebody took the pod away by force, and may not have stopped its containers. */
function podLost(o: Observation, now: number): Action {
  const message =
    'the populator pod was removed by force; its volume is thrown away, since a container may still write to it';
  return failureAction(o, { reason: 'PodLost', message, scope: 'attempt', discardPrime: true }, now);
}

function judge(o: Observation, pod: Pod, now: number): Action {
  const result = podResult(pod, o.plugin?.reports === true);
  if (result !== undefined) return { type: 'RecordResult', result };
  const failure = podFailure(pod);
  // Without a word from the container on how it ended, something may still run on a lost node.
  const doubtful =
    pod.spec.nodeName !== undefined && lastTerminated(pod) === undefined && pod.status?.startTime !== undefined;
  return failureAction(o, doubtful ? { ...failure, discardPrime: true } : failure, now);
}

function byCalls(o: Observation, now: number): Action {
  const attempt = attemptOf(o);
  if (o.local.startedAttempt !== attempt) return { type: 'CallPopulate', attempt };
  const { answer } = o.local;
  if (answer === undefined || answer.attempt !== attempt) return { type: 'CallComplete', attempt };
  if (answer.done) return { type: 'RecordResult', result: answer.result };
  if (answer.askAgainAt <= now) return { type: 'CallComplete', attempt };
  const seen = o.population?.status?.progress;
  const news =
    answer.progress !== undefined &&
    (answer.progress.bytesDone !== seen?.bytesDone || answer.progress.percent !== seen?.percent);
  if (answer.progress !== undefined && news) return { type: 'RecordProgress', progress: answer.progress };
  return populating('the plugin is populating the volume', answer.askAgainAt);
}

function populating(message: string, until?: number): Action {
  const waiting: Waiting = {
    reason: 'Populating',
    message,
    mood: 'routine',
    ...(until !== undefined && { until }),
  };
  return { type: 'Wait', waiting };
}

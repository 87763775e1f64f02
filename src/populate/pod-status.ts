/** What a populator pod's status says, in the words of a population. Pure. */
import type { ContainerState, Pod } from '../api/objects.ts';
import type { PopulationResult } from '../api/population.ts';
import { parsePodReport } from '../sdk/index.ts';
import type { Waiting } from './action.ts';
import type { Failure } from './observation.ts';
import { POPULATOR_CONTAINER } from './pod-spec.ts';

export function lastTerminated(pod: Pod): ContainerState['terminated'] {
  return pod.status?.containerStatuses?.find((status) => status.name === POPULATOR_CONTAINER)?.state?.terminated;
}

/** The result of a pod that succeeded, else undefined. An image that reports nothing is taken at the word of its exit code. */
export function podResult(pod: Pod): PopulationResult | undefined {
  const ended = lastTerminated(pod);
  if (pod.status?.phase !== 'Succeeded' || ended?.exitCode !== 0) return undefined;
  const report = parsePodReport(ended.message);
  if (report === undefined) return { verification: 'plugin' };
  return report.outcome === 'succeeded' ? report.targets[0] : undefined;
}

/** Why a terminal pod has no result. */
export function podFailure(pod: Pod): Failure {
  const ended = lastTerminated(pod);
  const report = parsePodReport(ended?.message);
  if (report?.outcome === 'failed') {
    return {
      reason: report.reason,
      message: report.message,
      scope: report.permanent ? 'permanent' : 'attempt',
      ...(report.retryAfterMs !== undefined && { afterMs: report.retryAfterMs }),
    };
  }
  return { reason: podReason(pod), message: podMessage(pod), scope: 'attempt' };
}

function podReason(pod: Pod): string {
  const ended = lastTerminated(pod);
  if (ended?.reason === 'OOMKilled') return 'OutOfMemory';
  if (pod.status?.reason !== undefined && pod.status.reason !== '') return `Pod${pod.status.reason}`;
  return 'PopulatorFailed';
}

function podMessage(pod: Pod): string {
  const ended = lastTerminated(pod);
  const said = ended?.message?.trim() ?? pod.status?.message ?? '';
  const exit =
    ended === undefined
      ? 'the pod ended without a container status'
      : `the populator container ended with exit code ${ended.exitCode}`;
  return said === '' ? exit : `${exit}: ${said.slice(-1500)}`;
}

/** What a pod that has not ended is waiting for. */
export function podWaiting(pod: Pod): Waiting {
  const state = pod.status?.containerStatuses?.find((status) => status.name === POPULATOR_CONTAINER)?.state;
  const reason = state?.waiting?.reason;
  if (reason !== undefined && reason !== 'ContainerCreating' && reason !== 'PodInitializing') {
    return { reason, message: `pod ${pod.metadata.name}: ${state?.waiting?.message ?? reason}`, mood: 'progressing' };
  }
  const unscheduled = pod.status?.conditions?.find(
    (condition) => condition.type === 'PodScheduled' && condition.status === 'False',
  );
  if (unscheduled !== undefined) {
    return {
      reason: 'PodNotScheduled',
      message: `pod ${pod.metadata.name}: ${unscheduled.message ?? 'not scheduled'}`,
      mood: 'progressing',
    };
  }
  return { reason: 'Populating', message: `pod ${pod.metadata.name} is populating the volume`, mood: 'routine' };
}

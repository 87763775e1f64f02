/** What the status of a pod says that has ended. Pure. */
import { foreign, type Text } from '../api/foreign.ts';
import type { ContainerState, Pod } from '../api/objects.ts';
import type { PopulationResult } from '../api/population.ts';
import { parsePodReport } from '../sdk/index.ts';
import type { Found } from '../api/populator-program.ts';
import { INSPECTOR_CONTAINER, POPULATOR_CONTAINER } from './pod-parts.ts';

/** Why a pod has no result, and whether another one may have. */
export interface PodFailure {
  /** CamelCase: reason of condition and event. */
  readonly reason: string;
  readonly message: Text;
  /** `attempt`: another pod may succeed. `permanent`: none can. */
  readonly scope: 'attempt' | 'permanent';
  readonly afterMs?: number;
  /** Not the work's own doing (an eviction, a lost node). */
  readonly excused?: boolean;
}

export function lastTerminated(pod: Pod): ContainerState['terminated'] {
  const ended = pod.status?.containerStatuses?.find((status) => status.name === POPULATOR_CONTAINER)?.state?.terminated;
  if (ended !== undefined) return ended;
  // A look that failed is the end of the pod: its container never starts.
  const look = inspection(pod)?.terminated;
  return look !== undefined && look.exitCode !== 0 ? look : undefined;
}

function inspection(pod: Pod): ContainerState | undefined {
  return pod.status?.initContainerStatuses?.find(({ name }) => name === INSPECTOR_CONTAINER)?.state;
}

/** What a pod says that it found in the volume before the first write, whatever became of it later; undefined where it has not said. */
export function foundByPod(pod: Pod): Found | undefined {
  const look = inspection(pod);
  const report = parsePodReport((look === undefined ? lastTerminated(pod) : look.terminated)?.message);
  return report !== undefined && 'found' in report ? report.found : undefined;
}

/**
 * The result of a pod that succeeded, else undefined. Where a report is not `required`, an image that reports nothing is taken at the word
 * of its exit code.
 */
export function podResult(pod: Pod, required: boolean): PopulationResult | undefined {
  const ended = lastTerminated(pod);
  if (pod.status?.phase !== 'Succeeded' || ended?.exitCode !== 0) return undefined;
  const report = parsePodReport(ended.message);
  if (report === undefined) return required ? undefined : { verification: 'plugin' };
  return report.outcome === 'succeeded' ? report.targets[0] : undefined;
}

/** Why a terminal pod has no result. */
export function podFailure(pod: Pod): PodFailure {
  const ended = lastTerminated(pod);
  const report = parsePodReport(ended?.message);
  // A populator that is told to stop says only that: who told it is the cause.
  if (report?.outcome === 'failed' && report.reason !== 'Interrupted') {
    return {
      reason: report.reason,
      message: [foreign(report.message)],
      scope: report.permanent ? 'permanent' : 'attempt',
      ...(report.retryAfterMs !== undefined && { afterMs: report.retryAfterMs }),
    };
  }
  return overdue(pod) ?? takenAway(pod) ?? { reason: podReason(pod), message: podMessage(pod), scope: 'attempt' };
}

/**
 * The kubelet ended the pod at its deadline. Another attempt may be quicker (a slow server, a busy disk), and the limit of attempts holds for it. One that
 * never began its work is not to blame.
 */
function overdue(pod: Pod): PodFailure | undefined {
  if (pod.status?.reason !== 'DeadlineExceeded') return undefined;
  const message =
    `the pod was ended at its deadline (${pod.spec.activeDeadlineSeconds} seconds): raise activeDeadlineSeconds ` +
    'in the settings of populator pods if the work needs longer';
  const excused = lastTerminated(pod) === undefined && { excused: true };
  return { reason: 'DeadlineExceeded', message, scope: 'attempt', ...excused };
}

/** Reasons of the condition DisruptionTarget for what somebody does to a pod whatever it does itself. */
const DISRUPTIONS: Readonly<Record<string, string>> = {
  EvictionByEvictionAPI: 'the pod was evicted',
  PreemptionByScheduler: 'the pod had to make room for one of higher priority',
  DeletionByTaintManager: 'the node of the pod does not take it any more',
  DeletionByPodGC: 'the node of the pod is out of service or gone',
  TerminationByKubelet: 'the node of the pod was shut down',
};

/** The pod did not end by itself, and through no fault of its own. */
function takenAway(pod: Pod): PodFailure | undefined {
  // The kubelet evicts a pod that uses too much: that may well be its own fault.
  if (pod.status?.reason === 'Evicted') return undefined;
  const disrupted = pod.status?.conditions?.find(
    ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
  );
  const what = DISRUPTIONS[disrupted?.reason ?? ''];
  const excused = { scope: 'attempt', excused: true } as const;
  if (what !== undefined) {
    // Without a word of the kubelet on how the container ended, the node is not only closed.
    const silent = disrupted?.reason === 'DeletionByTaintManager' && lastTerminated(pod) === undefined;
    const reason = silent || disrupted?.reason === 'DeletionByPodGC' ? 'NodeLost' : 'PodEvicted';
    return { ...excused, reason, message: [what, foreign(` (${disrupted?.message ?? disrupted?.reason})`)] };
  }
  if (pod.metadata.deletionTimestamp !== undefined)
    return { ...excused, reason: 'PodDeleted', message: 'the populator pod was deleted while it was at work' };
  const refused = lastTerminated(pod) === undefined && pod.status?.reason;
  return refused
    ? {
        ...excused,
        reason: 'PodRejected',
        message: ['the node refused the pod', foreign(` (${pod.spec.nodeName}: ${refused}: ${pod.status.message})`)],
      }
    : undefined;
}

function podReason(pod: Pod): string {
  if (lastTerminated(pod)?.reason === 'OOMKilled') return 'OutOfMemory';
  return pod.status?.reason === 'Evicted' ? 'PodEvicted' : 'PopulatorFailed';
}

function podMessage(pod: Pod): Text {
  const ended = lastTerminated(pod);
  // The early report says what was found, and nothing of the end.
  const own = parsePodReport(ended?.message)?.outcome === 'unfinished' ? undefined : ended?.message?.trim();
  const said = (own || pod.status?.message) ?? '';
  const exit =
    ended === undefined
      ? 'the pod ended without a container status'
      : `the populator container ended with exit code ${ended.exitCode}${ended.exitCode === 0 ? ', but without a report that says so' : ''}`;
  return said === '' ? exit : [exit, foreign(`: ${said.slice(-1500)}`)];
}

/** What a pod of this plugin that succeeded has reported. Pure. */
import type { Pod } from '../../api/objects.ts';
import { lastTerminated } from '../../pods/index.ts';
import { type CaptureResult, parsePodReport } from '../../sdk/index.ts';

/** A pod of ours always reports: exit code 0 alone is no success. */
export function hasForgotten(pod: Pod): boolean {
  return reportOf(pod)?.outcome === 'forgotten';
}

export function captureIn(pod: Pod): { readonly capture: CaptureResult; readonly verified: boolean } | undefined {
  const report = reportOf(pod);
  return report?.outcome === 'captured' ? report : undefined;
}

function reportOf(pod: Pod) {
  const ended = lastTerminated(pod);
  return pod.status?.phase === 'Succeeded' && ended?.exitCode === 0 ? parsePodReport(ended.message) : undefined;
}

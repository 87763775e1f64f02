/**
 * The populator pod: one process that carries out one task and reports how it went.
 *
 * Started by the kubelet as `main.ts`. The command line, which does the same without a pod, imports its log and its report.
 * It must not know Kubernetes' API: the task comes in an environment variable, credentials as mounted files; the result leaves as the
 * container's termination message and progress as lines on standard output.
 */
export { createLog } from './log.ts';
export { exitCodeOf, exitCodes, failureReport, writeReport } from './report.ts';
export { runPod, type PodEnvironment } from './run-pod.ts';

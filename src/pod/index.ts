/**
 * The populator pod: one process that carries out one task and reports how it went.
 *
 * Started by the kubelet as `main.ts`; nothing imports this room. It must not know Kubernetes' API: the task comes in an environment
 * variable, credentials as mounted files, the result leaves as the container's termination message and progress as lines on standard output.
 */
export { writeReport } from './report.ts';
export { runPod, type PodEnvironment } from './run-pod.ts';

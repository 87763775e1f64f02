/** How the controller starts the program of the populator image, and what the two say to each other beside the task. */

export const TASK_VARIABLE = 'VOLPRIME_TASK';

/**
 * Of Node, in MiB. What a populator makes dies at once, and its rings are no garbage at all: a young generation as large as V8 would let it become
 * is ten MB of memory for nothing (make bench, "peak RSS"). It can only be said when Node starts.
 */
export const POPULATOR_FLAGS: readonly string[] = ['--max-semi-space-size=2'];
/** From SIGTERM to SIGKILL: less than the pods' grace period. */
export const STOP_SECONDS = 7;

/**
 * Where the populator image has the pod's entry (see image/). A thread of Node that is busy hears no signal, and a worker thread can hear none: so `timeout`
 * is the container's first process, hands SIGTERM on, and kills what has not ended a while later (docs/decisions/0039).
 */
export const POPULATOR_COMMAND: readonly string[] = [
  '/usr/bin/timeout',
  '--foreground',
  `--kill-after=${STOP_SECONDS}`,
  // No deadline of its own: that is the pod's.
  '0',
  '/usr/local/bin/node',
  ...POPULATOR_FLAGS,
  '/app/dist/pod/main.js',
];

/** Tells a populator which of `targetStates` its volume is in. Set by the controller; without it the program takes the volume for `new`. */
export const TARGET_VARIABLE = 'VOLPRIME_TARGET';

/**
 * What the record knows of the volume before an attempt.
 * `new`: no pod has looked into it; content is refused. `may-hold-content`: the same, and its class allows content.
 * `was-empty`: a pod found it empty when it was new, so its content is the rest of an earlier attempt.
 * `held-content`: a pod found content in it, which must survive.
 */
export const targetStates = ['new', 'may-hold-content', 'was-empty', 'held-content'] as const;
export type TargetState = (typeof targetStates)[number];

/** What a pod found in a volume before the first write to it. */
export const findings = ['empty', 'content'] as const;
export type Found = (typeof findings)[number];

/** Task of the init container that looks into the volume for a container that does not do it itself. */
export const INSPECT_TASK = 'inspect';

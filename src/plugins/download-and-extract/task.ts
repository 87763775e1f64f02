/** What the controller asks of a populator pod that runs this plugin: the JSON in the pod's VOLPRIME_TASK. It holds no secrets. */
import * as z from 'zod';
import { providerSpecSchema } from '../../api/provider.ts';

/** Where the Secret of a source with `secretRef` is mounted. */
export const CREDENTIALS_DIR = '/var/run/volprime/credentials';
/** Where the Secret of a source with `proxySecretRef` is mounted. */
export const PROXY_CREDENTIALS_DIR = '/var/run/volprime/proxy-credentials';
/** Where the ConfigMap of a source with `caBundleRef` is mounted, each key a file. */
export const CA_BUNDLE_DIR = '/var/run/volprime/source-ca';

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
export const PLUGIN_NAME = 'download-and-extract';

/** Grows with each field of the spec that an older populator would pass over in silence. */
export const TASK_VERSION = 3;

export const taskSchema = z.object({
  version: z.literal(TASK_VERSION),
  plugin: z.literal(PLUGIN_NAME),
  attemptId: z.string().min(1),
  /** A list, so that one pod may serve several claims of one source. */
  targets: z
    .array(
      z.object({
        /** Where the volume is mounted, or its device is. */
        path: z.string().startsWith('/'),
        kind: z.enum(['directory', 'device']),
        spec: providerSpecSchema,
      }),
    )
    .min(1),
});

export type Task = z.infer<typeof taskSchema>;
export type Target = Task['targets'][number];

/** What the controller asks of a populator pod that runs this plugin: the JSON in the pod's VOLPRIME_TASK. It holds no secrets. */
import * as z from 'zod';
import { providerSpecSchema } from '../../api/provider.ts';

/** Where the Secret of a source with `secretRef` is mounted. */
export const CREDENTIALS_DIR = '/var/run/volprime/credentials';
/** Where the Secret of a source with `proxySecretRef` is mounted. */
export const PROXY_CREDENTIALS_DIR = '/var/run/volprime/proxy-credentials';
/** Where the ConfigMap of a source with `caBundleRef` is mounted, each key a file. */
export const CA_BUNDLE_DIR = '/var/run/volprime/source-ca';

export { POPULATOR_COMMAND, POPULATOR_FLAGS, STOP_SECONDS, TASK_VARIABLE } from '../../api/populator-program.ts';
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

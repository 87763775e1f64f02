import { PROVIDER_GROUP } from '../../api/names.ts';
import { providerSpecSchema, type ProviderSpec } from '../../api/provider.ts';
import { definePlugin, PermanentError, type PodTemplate, type PopulateParams } from '../../sdk/index.ts';
import { CREDENTIALS_DIR, PLUGIN_NAME, TASK_VARIABLE, type Task } from './task.ts';

const MOUNT_PATH = '/target';
/** Where the populator image has the pod's entry (see image/). */
const POPULATOR_COMMAND = ['/usr/local/bin/node', '/app/dist/pod/main.js'];

export const downloadAndExtract = definePlugin<ProviderSpec>({
  name: PLUGIN_NAME,
  source: { group: PROVIDER_GROUP, version: 'v1', kind: 'Provider' },
  schema: providerSpecSchema,
  preflight: async ({ claim, claimObject, source }) => {
    if (source.spec.secretRef !== undefined && source.namespace !== claim.namespace) {
      throw new PermanentError(
        'SecretAcrossNamespaces',
        `Provider ${source.namespace}/${source.name} names a Secret, which claims of other namespaces cannot use.`,
      );
    }
    if (claimObject.spec.volumeMode === 'Block') {
      throw new PermanentError(
        'BlockVolumeNotSupported',
        `Claim ${claim.name} has volumeMode Block, but a Provider fills a file system with the files of an archive. Use volumeMode Filesystem.`,
      );
    }
  },
  reports: true,
  pod: populatorPod,
});

/** No image: the populator image that the controller was configured with has the execution half of this plugin. */
function populatorPod({ source, attempt }: PopulateParams<ProviderSpec>): PodTemplate {
  const { secretRef } = source.spec;
  const task: Task = {
    version: 1,
    plugin: PLUGIN_NAME,
    attemptId: attempt.id,
    targets: [{ path: MOUNT_PATH, spec: source.spec }],
  };
  return {
    command: POPULATOR_COMMAND,
    mountPath: MOUNT_PATH,
    env: { [TASK_VARIABLE]: JSON.stringify(task) },
    ...(secretRef && { secrets: [{ name: secretRef.name, mountPath: CREDENTIALS_DIR }] }),
  };
}

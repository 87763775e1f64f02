import { PROVIDER_GROUP } from '../../api/names.ts';
import { providerSpecSchema, type ProviderSpec } from '../../api/provider.ts';
import { definePlugin, type PodTemplate, type PopulateParams } from '../../sdk/index.ts';
import { isBlock, objectionTo, profileFor } from './objection.ts';
import {
  CA_BUNDLE_DIR,
  CREDENTIALS_DIR,
  PLUGIN_NAME,
  POPULATOR_COMMAND,
  PROXY_CREDENTIALS_DIR,
  TASK_VARIABLE,
  TASK_VERSION,
  type Task,
} from './task.ts';

const MOUNT_PATH = '/target';
/** Where nothing is in the image: a container runtime leaves a directory that is there in a device's place, and says nothing. */
const DEVICE_PATH = '/dev/target';

export const downloadAndExtract = definePlugin<ProviderSpec>({
  name: PLUGIN_NAME,
  source: { group: PROVIDER_GROUP, version: 'v1', kind: 'Provider' },
  schema: providerSpecSchema,
  preflight: async (params) => {
    const objection = objectionTo(params);
    if (objection !== undefined) throw objection;
  },
  reports: true,
  examinesVolume: true,
  securityProfile: profileFor,
  pod: populatorPod,
});

/** No image: the populator image that the controller was configured with has the execution half of this plugin. */
function populatorPod({ source, claimObject, attempt }: PopulateParams<ProviderSpec>): PodTemplate {
  const { secretRef, proxySecretRef, caBundleRef } = source.spec;
  const [kind, path] = isBlock(claimObject) ? (['device', DEVICE_PATH] as const) : (['directory', MOUNT_PATH] as const);
  const secrets = [
    ...(secretRef ? [{ name: secretRef.name, mountPath: CREDENTIALS_DIR }] : []),
    ...(proxySecretRef ? [{ name: proxySecretRef.name, mountPath: PROXY_CREDENTIALS_DIR }] : []),
  ];
  const task: Task = {
    version: TASK_VERSION,
    plugin: PLUGIN_NAME,
    attemptId: attempt.id,
    targets: [{ path, kind, spec: source.spec }],
  };
  return {
    command: POPULATOR_COMMAND,
    mountPath: path,
    env: { [TASK_VARIABLE]: JSON.stringify(task) },
    ...(secrets.length > 0 && { secrets }),
    ...(caBundleRef && { configMaps: [{ name: caBundleRef.name, mountPath: CA_BUNDLE_DIR }] }),
  };
}

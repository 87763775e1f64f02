/** The pods of a capture: one program, that of the populator image, with a task and the repository. Pure. */
import type { NewObject } from '../../api/objects.ts';
import type { PodSettings, PopulatorPodSettings } from '../../api/pod-settings.ts';
import {
  commonPodSpec,
  containerSecurity,
  environmentOf,
  layeredSettings,
  POPULATOR_CONTAINER,
  podSecurity,
  readOnlyMount,
  resourcesOf,
  settingsMounts,
  settingsVolumes,
} from '../../pods/index.ts';
import { POPULATOR_COMMAND, TASK_VARIABLE } from '../download-and-extract/task.ts';
import {
  type CaptureTask,
  hostnameOf,
  PLUGIN_NAME,
  REPOSITORY_DIR,
  REPOSITORY_SECRET_DIR,
  SCRATCH_SIZE,
} from './task.ts';

export const SOURCE_DIR = '/source';
/** Where nothing is in the image: a container runtime leaves a directory that is there in a device's place, and says nothing. */
export const SOURCE_DEVICE = '/dev/source';
/** By what these volumes name it is known which repository a pod works on. */
export const REPOSITORY_SECRET_VOLUME = 'repository-secret';
export const REPOSITORY_VOLUME = 'repository';

/** Files of all owners are to be read. Deduplication keeps an index of the repository in memory. */
const OWN_SETTINGS: PodSettings = {
  securityProfile: 'privileged-data',
  resources: { requests: { memory: '128Mi' }, limits: { memory: '1Gi' } },
};

export interface HelperPodInputs {
  readonly metadata: NewObject['metadata'];
  readonly task: CaptureTask;
  readonly settings: PodSettings;
  readonly image: string;
  readonly imagePullPolicy: string | undefined;
  /** Name of the Secret with the repository's address and credentials. */
  readonly secret: string;
  readonly repositoryClaim: string | undefined;
  /** The claim to be read. */
  readonly source?: { readonly claim: string; readonly block: boolean };
  /** After how many seconds the kubelet ends it, where the settings do not say fewer; for work that somebody waits for. */
  readonly deadlineSeconds?: number;
}

export function helperPodSettings(operator: PopulatorPodSettings): PodSettings {
  return layeredSettings(PLUGIN_NAME, operator, OWN_SETTINGS);
}

/** The source is never written to: mounted read-only twice over, and without an fsGroup, which would change the owners of its files. */
export function buildHelperPod(inputs: HelperPodInputs): NewObject {
  const { metadata, task, settings, secret, repositoryClaim, source, deadlineSeconds } = inputs;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      labels: { ...settings.labels, ...metadata.labels },
      annotations: { ...settings.annotations, ...metadata.annotations },
    },
    spec: {
      ...commonPodSpec(settings),
      ...(locks(task) && { hostname: hostnameOf(task.key) }),
      ...(deadlineSeconds !== undefined && {
        activeDeadlineSeconds: Math.min(deadlineSeconds, settings.activeDeadlineSeconds ?? deadlineSeconds),
      }),
      securityContext: podSecurity(settings, 'read'),
      containers: [container(inputs)],
      volumes: [
        ...(source === undefined
          ? []
          : [{ name: 'source', persistentVolumeClaim: { claimName: source.claim, readOnly: true } }]),
        { name: REPOSITORY_SECRET_VOLUME, secret: { secretName: secret, defaultMode: secretMode(settings) } },
        ...(repositoryClaim === undefined
          ? []
          : [{ name: REPOSITORY_VOLUME, persistentVolumeClaim: { claimName: repositoryClaim } }]),
        { name: 'tmp', emptyDir: { sizeLimit: SCRATCH_SIZE } },
        ...settingsVolumes(settings),
      ],
    },
  };
}

/** The kubelet gives the files to root, and to the group of the pod's `fsGroup`, which this pod has none of. */
function secretMode({ securityProfile }: PodSettings): number {
  return securityProfile === 'privileged-data' ? 0o400 : 0o444;
}

/** restic tells by the name of its machine whether a lock was left by a pod of the same capture that is dead. */
function locks({ action }: CaptureTask): boolean {
  return action === 'capture' || action === 'forget';
}

function container({ task, settings, image, imagePullPolicy, repositoryClaim, source }: HelperPodInputs): object {
  const withTask = { ...settings, env: { ...settings.env, [TASK_VARIABLE]: JSON.stringify(task) } };
  return {
    name: POPULATOR_CONTAINER,
    image,
    ...(imagePullPolicy !== undefined && { imagePullPolicy }),
    command: POPULATOR_COMMAND,
    env: environmentOf(withTask),
    resources: resourcesOf(settings),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: containerSecurity(settings),
    volumeMounts: [
      ...(source?.block === false ? [readOnlyMount('source', SOURCE_DIR)] : []),
      readOnlyMount(REPOSITORY_SECRET_VOLUME, REPOSITORY_SECRET_DIR),
      ...(repositoryClaim === undefined ? [] : [{ name: REPOSITORY_VOLUME, mountPath: REPOSITORY_DIR }]),
      { name: 'tmp', mountPath: '/tmp' },
      ...settingsMounts(settings),
    ],
    ...(source?.block === true && { volumeDevices: [{ name: 'source', devicePath: SOURCE_DEVICE }] }),
  };
}

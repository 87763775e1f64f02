import { createHash } from 'node:crypto';
import { ANNOTATION_POD_HASH, PROTECTION_FINALIZER, podName } from '../api/names.ts';
import type { Claim, NewObject } from '../api/objects.ts';
import type { PodSettings } from '../api/pod-settings.ts';
import {
  INSPECT_TASK,
  POPULATOR_COMMAND,
  TARGET_VARIABLE,
  type TargetState,
  TASK_VARIABLE,
} from '../api/populator-program.ts';
import { apiVersionOf } from '../api/resources.ts';
import { type Population, populations } from '../api/population.ts';
import { proofFor } from '../api/proof.ts';
import type { Reason } from '../api/reasons.ts';
import {
  commonPodSpec,
  containerSecurity,
  environmentOf,
  INSPECTOR_CONTAINER,
  literal,
  POPULATOR_CONTAINER,
  podSecurity,
  publicAddressesOnly,
  readOnlyMount,
  refuseLongTexts,
  resourcesOf,
  settingsMounts,
  settingsVolumes,
} from '../pods/index.ts';
import type { PodTemplate } from '../sdk/index.ts';
import { PermanentError } from '../sdk/index.ts';
import { ownerOf, ownLabels } from './prime-spec.ts';
import { identityOf } from './proof.ts';

export interface PodInputs {
  readonly template: PodTemplate;
  /** With the template's own resources and environment merged in. */
  readonly settings: PodSettings;
  readonly claimUid: string;
  readonly attempt: number;
  readonly population: Population;
  readonly prime: Claim;
  /** Used where the template names no image. */
  readonly image: string;
  readonly imagePullPolicy: string | undefined;
  /** What is known of the volume's content; every pod is told. */
  readonly targetState: TargetState;
  /** The container looks into the volume itself. */
  readonly examinesVolume: boolean;
}

/**
 * The populator pod: admitted at Pod Security level "restricted" unless its settings say otherwise, without a service account token unless
 * the operator says otherwise, placed by the scheduler, never restarted (an attempt is one run), and held by our finalizer until the
 * kubelet's word on it was read.
 */
export function buildPod(inputs: PodInputs): NewObject {
  const pod = podOf(inputs);
  const hash = createHash('sha256').update(JSON.stringify(pod)).digest('hex').slice(0, 16);
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, [ANNOTATION_POD_HASH]: hash } },
  };
}

function podOf(inputs: PodInputs): NewObject {
  const { claimUid, attempt, population, prime, template, settings } = inputs;
  const isAtHome = atHome(inputs);
  if (!isAtHome) refuseOwnFiles(template);
  refuseLongTexts(template);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(claimUid, attempt),
      namespace: prime.metadata.namespace ?? '',
      labels: { ...settings.labels, ...ownLabels(claimUid, 'populator') },
      annotations: { ...settings.annotations, ...proofFor(identityOf(population)) },
      finalizers: [PROTECTION_FINALIZER],
      ...(isAtHome && { ownerReferences: [ownerOf(population, apiVersionOf(populations))] }),
    },
    spec: {
      ...commonPodSpec(settings),
      securityContext: podSecurity(settings, 'filled'),
      ...(needsInspector(inputs) && { initContainers: [inspector(inputs)] }),
      containers: [container(inputs)],
      volumes: volumes(inputs),
    },
  };
}

/** In the namespace of the claim, not in the populator namespace. */
function atHome({ prime, population }: PodInputs): boolean {
  return prime.metadata.namespace === population.metadata.namespace;
}

function volumes({ prime, template, settings }: PodInputs): object[] {
  return [
    { name: 'target', persistentVolumeClaim: { claimName: prime.metadata.name } },
    { name: 'tmp', emptyDir: { sizeLimit: template.scratch ?? '64Mi' } },
    ...(template.claims ?? []).map(({ name, writable = false }, index) => ({
      name: `claim-${index}`,
      persistentVolumeClaim: { claimName: name, readOnly: !writable },
    })),
    ...(template.secrets ?? []).map((secret, index) => ({
      name: `secret-${index}`,
      secret: { secretName: secret.name, defaultMode: 0o440 },
    })),
    ...(template.configMaps ?? []).map(({ name }, index) => ({ name: `config-map-${index}`, configMap: { name } })),
    ...settingsVolumes(settings),
  ];
}

/** In the populator namespace the name would find somebody else's. */
function refuseOwnFiles({ secrets = [], configMaps = [] }: PodTemplate): void {
  const refuse = (reason: Reason, kind: string) =>
    new PermanentError(
      reason,
      `The source is in another namespace than the claim and needs a ${kind}, and a ${kind} never leaves its namespace.`,
    );
  if (secrets.some(({ ofOperator }) => ofOperator !== true)) throw refuse('SecretAcrossNamespaces', 'Secret');
  if (configMaps.length > 0) throw refuse('ConfigMapAcrossNamespaces', 'ConfigMap');
}

/** A container that overwrites what it finds must not start where the content is not ours. */
function needsInspector({ examinesVolume, targetState, prime }: PodInputs): boolean {
  return targetState !== 'was-empty' && !examinesVolume && prime.spec.volumeMode !== 'Block';
}

function inspector({ settings, image, imagePullPolicy }: PodInputs): Record<string, unknown> {
  const path = '/target';
  return {
    name: INSPECTOR_CONTAINER,
    image,
    ...(imagePullPolicy !== undefined && { imagePullPolicy }),
    command: POPULATOR_COMMAND,
    env: [
      { name: TASK_VARIABLE, value: JSON.stringify({ version: 1, plugin: INSPECT_TASK, path }) },
      // Content is refused also where the class allows it: the container may remove what it finds.
      { name: TARGET_VARIABLE, value: 'new' satisfies TargetState },
    ],
    resources: resourcesOf(settings),
    securityContext: containerSecurity(settings),
    volumeMounts: [{ name: 'target', mountPath: path, readOnly: true }],
  };
}

function container(inputs: PodInputs): Record<string, unknown> {
  const { template, settings, image, imagePullPolicy, prime } = inputs;
  const path = template.mountPath ?? '/target';
  const block = prime.spec.volumeMode === 'Block';
  const claims = (template.claims ?? []).map((claim, index) => ({ ...claim, volume: `claim-${index}` }));
  const [devices, directories] = [
    claims.filter(({ volumeMode }) => volumeMode === 'Block'),
    claims.filter(({ volumeMode }) => volumeMode !== 'Block'),
  ];
  const volumeDevices = [
    ...(block ? [{ name: 'target', devicePath: path }] : []),
    ...devices.map(({ volume, mountPath }) => ({ name: volume, devicePath: mountPath })),
  ];
  const ownFiles = [
    ...(template.secrets ?? []).map(({ mountPath }, index) => readOnlyMount(`secret-${index}`, mountPath)),
    ...(template.configMaps ?? []).map(({ mountPath }, index) => readOnlyMount(`config-map-${index}`, mountPath)),
  ];
  return {
    name: POPULATOR_CONTAINER,
    image: template.image ?? image,
    ...(imagePullPolicy !== undefined && template.image === undefined && { imagePullPolicy }),
    ...(template.command !== undefined && { command: template.command.map(literal) }),
    ...(template.args !== undefined && { args: template.args.map(literal) }),
    env: [
      ...environmentOf(settings).filter(({ name }) => name !== TARGET_VARIABLE),
      { name: TARGET_VARIABLE, value: inputs.targetState },
      ...(atHome(inputs) ? [] : publicAddressesOnly(settings)),
    ],
    resources: resourcesOf(settings),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: containerSecurity(settings),
    volumeMounts: [
      ...(block ? [] : [{ name: 'target', mountPath: path }]),
      { name: 'tmp', mountPath: '/tmp' },
      ...directories.map(({ volume, mountPath, writable = false }) => ({
        name: volume,
        mountPath,
        readOnly: !writable,
      })),
      ...ownFiles,
      ...settingsMounts(settings),
    ],
    ...(volumeDevices.length > 0 && { volumeDevices }),
  };
}

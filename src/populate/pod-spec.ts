import { ANNOTATION_POPULATION_UID, PROTECTION_FINALIZER, podName } from '../api/names.ts';
import type { Claim, NewObject } from '../api/objects.ts';
import { apiVersionOf } from '../api/resources.ts';
import { type Population, populations } from '../api/population.ts';
import type { PodTemplate } from '../sdk/index.ts';
import { ownLabels } from './prime-spec.ts';

export const POPULATOR_CONTAINER = 'populator';
/** uid and gid of the populator container, and fsGroup of its volumes. */
const POPULATOR_ID = 65532;
const DEFAULT_RESOURCES = { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '512Mi' } };

export interface PodInputs {
  readonly template: PodTemplate;
  readonly claimUid: string;
  readonly attempt: number;
  readonly population: Population;
  readonly prime: Claim;
  /** Used where the template names no image. */
  readonly image: string;
  readonly imagePullPolicy: string | undefined;
}

/**
 * The populator pod: admitted at Pod Security level "restricted", without a service account token, placed by the scheduler,
 * never restarted (an attempt is one run), and held by our finalizer until the kubelet's word on it was read.
 */
export function buildPod(inputs: PodInputs): NewObject {
  const { claimUid, attempt, population, prime, template } = inputs;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(claimUid, attempt),
      namespace: prime.metadata.namespace ?? '',
      labels: ownLabels(claimUid, 'populator'),
      annotations: { [ANNOTATION_POPULATION_UID]: population.metadata.uid },
      finalizers: [PROTECTION_FINALIZER],
      ownerReferences: [
        {
          apiVersion: apiVersionOf(populations),
          kind: populations.kind,
          name: population.metadata.name,
          uid: population.metadata.uid,
          controller: true,
          blockOwnerDeletion: false,
        },
      ],
    },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 10,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: POPULATOR_ID,
        runAsGroup: POPULATOR_ID,
        fsGroup: POPULATOR_ID,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [container(inputs)],
      volumes: [
        { name: 'target', persistentVolumeClaim: { claimName: prime.metadata.name } },
        { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
        ...(template.secrets ?? []).map((secret, index) => ({
          name: `secret-${index}`,
          secret: { secretName: secret.name, defaultMode: 0o440 },
        })),
      ],
    },
  };
}

function container({ template, image, imagePullPolicy, prime }: PodInputs): Record<string, unknown> {
  const path = template.mountPath ?? '/target';
  const block = prime.spec.volumeMode === 'Block';
  const secretMounts = (template.secrets ?? []).map((secret, index) => ({
    name: `secret-${index}`,
    mountPath: secret.mountPath,
    readOnly: true,
  }));
  return {
    name: POPULATOR_CONTAINER,
    image: template.image ?? image,
    ...(imagePullPolicy !== undefined && template.image === undefined && { imagePullPolicy }),
    ...(template.command !== undefined && { command: template.command.map(literal) }),
    ...(template.args !== undefined && { args: template.args.map(literal) }),
    env: Object.entries(template.env ?? {}).map(([name, value]) => ({ name, value: literal(value) })),
    resources: template.resources ?? DEFAULT_RESOURCES,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      ...(block ? [] : [{ name: 'target', mountPath: path }]),
      { name: 'tmp', mountPath: '/tmp' },
      ...secretMounts,
    ],
    ...(block && { volumeDevices: [{ name: 'target', devicePath: path }] }),
  };
}

/** Kubernetes expands `$(NAME)` in arguments and environment: a tenant's text must arrive as it is. */
function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}

import { createHash } from 'node:crypto';
import { ANNOTATION_POD_HASH, ANNOTATION_POPULATION_UID, PROTECTION_FINALIZER, podName } from '../api/names.ts';
import type { Claim, NewObject } from '../api/objects.ts';
import { CA_BUNDLE_DIR, POPULATOR_ID, type PodSettings } from '../api/pod-settings.ts';
import { apiVersionOf } from '../api/resources.ts';
import { type Population, populations } from '../api/population.ts';
import type { Reason } from '../api/reasons.ts';
import type { PodTemplate } from '../sdk/index.ts';
import { PermanentError } from '../sdk/index.ts';
import { ownerOf, ownLabels } from './prime-spec.ts';

export const POPULATOR_CONTAINER = 'populator';
const CA_FILE = 'ca.crt';
/** What tools in a root container need to set owners and file capabilities, and nothing else; Pod Security level "baseline" allows them. */
const DATA_CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETFCAP'];

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
  const { nodeSelector, tolerations, affinity, imagePullSecrets, priorityClassName, runtimeClassName } = settings;
  const atHome = prime.metadata.namespace === population.metadata.namespace;
  if (!atHome) refuseOwnFiles(template);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(claimUid, attempt),
      namespace: prime.metadata.namespace ?? '',
      labels: { ...settings.labels, ...ownLabels(claimUid, 'populator') },
      annotations: { ...settings.annotations, [ANNOTATION_POPULATION_UID]: population.metadata.uid },
      finalizers: [PROTECTION_FINALIZER],
      ...(atHome && { ownerReferences: [ownerOf(population, apiVersionOf(populations))] }),
    },
    spec: {
      restartPolicy: 'Never',
      ...(settings.serviceAccountName !== undefined && { serviceAccountName: settings.serviceAccountName }),
      automountServiceAccountToken: settings.automountServiceAccountToken ?? false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 10,
      ...(nodeSelector && { nodeSelector }),
      ...(tolerations && { tolerations }),
      ...(affinity && { affinity }),
      ...(imagePullSecrets && { imagePullSecrets }),
      ...(priorityClassName !== undefined && { priorityClassName }),
      ...(runtimeClassName !== undefined && { runtimeClassName }),
      securityContext: podSecurity(settings),
      containers: [container(inputs)],
      volumes: volumes(inputs),
    },
  };
}

function podSecurity({ securityProfile }: PodSettings): object {
  const id = securityProfile === 'privileged-data' ? 0 : POPULATOR_ID;
  return {
    ...(id !== 0 && { runAsNonRoot: true, fsGroup: id, fsGroupChangePolicy: 'OnRootMismatch' }),
    runAsUser: id,
    runAsGroup: id,
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

function containerSecurity({ securityProfile }: PodSettings): object {
  const add = securityProfile === 'privileged-data' ? { add: DATA_CAPABILITIES } : {};
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'], ...add },
  };
}

function volumes({ prime, template, settings }: PodInputs): object[] {
  const { caBundle } = settings;
  return [
    { name: 'target', persistentVolumeClaim: { claimName: prime.metadata.name } },
    { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
    ...(template.secrets ?? []).map((secret, index) => ({
      name: `secret-${index}`,
      secret: { secretName: secret.name, defaultMode: 0o440 },
    })),
    ...(template.configMaps ?? []).map(({ name }, index) => ({ name: `config-map-${index}`, configMap: { name } })),
    // Optional: where it is missing the container says which certificate it does not trust, and the next attempt finds it.
    ...(caBundle === undefined
      ? []
      : [
          {
            name: 'ca-bundle',
            configMap: { name: caBundle.configMap, optional: true, items: [{ key: caBundle.key, path: CA_FILE }] },
          },
        ]),
    ...(settings.volumes ?? []),
  ];
}

/** In the populator namespace the name would find somebody else's. */
function refuseOwnFiles({ secrets = [], configMaps = [] }: PodTemplate): void {
  const refuse = (reason: Reason, kind: string) =>
    new PermanentError(
      reason,
      `The source is in another namespace than the claim and needs a ${kind}, and a ${kind} never leaves its namespace.`,
    );
  if (secrets.length > 0) throw refuse('SecretAcrossNamespaces', 'Secret');
  if (configMaps.length > 0) throw refuse('ConfigMapAcrossNamespaces', 'ConfigMap');
}

function container({ template, settings, image, imagePullPolicy, prime }: PodInputs): Record<string, unknown> {
  const path = template.mountPath ?? '/target';
  const block = prime.spec.volumeMode === 'Block';
  const readOnly = (name: string, mountPath: string) => ({ name, mountPath, readOnly: true });
  const ownFiles = [
    ...(template.secrets ?? []).map(({ mountPath }, index) => readOnly(`secret-${index}`, mountPath)),
    ...(template.configMaps ?? []).map(({ mountPath }, index) => readOnly(`config-map-${index}`, mountPath)),
  ];
  return {
    name: POPULATOR_CONTAINER,
    image: template.image ?? image,
    ...(imagePullPolicy !== undefined && template.image === undefined && { imagePullPolicy }),
    ...(template.command !== undefined && { command: template.command.map(literal) }),
    ...(template.args !== undefined && { args: template.args.map(literal) }),
    env: Object.entries(environment(settings)).map(([name, value]) => ({ name, value: literal(value) })),
    resources: resources(settings),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: containerSecurity(settings),
    volumeMounts: [
      ...(block ? [] : [{ name: 'target', mountPath: path }]),
      { name: 'tmp', mountPath: '/tmp' },
      ...ownFiles,
      ...(settings.caBundle === undefined ? [] : [readOnly('ca-bundle', CA_BUNDLE_DIR)]),
      ...(settings.volumeMounts ?? []),
    ],
    ...(block && { volumeDevices: [{ name: 'target', devicePath: path }] }),
  };
}

/** Both spellings: programs differ in which one they read. What `env` says outright wins. */
function environment({ proxy, caBundle, env }: PodSettings): Record<string, string> {
  const proxies = { HTTP_PROXY: proxy?.http, HTTPS_PROXY: proxy?.https, NO_PROXY: proxy?.none };
  const set = Object.entries(proxies).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const, [name.toLowerCase(), value] as const],
  );
  const trusted = caBundle === undefined ? {} : { NODE_EXTRA_CA_CERTS: `${CA_BUNDLE_DIR}/${CA_FILE}` };
  return { ...Object.fromEntries(set), ...trusted, ...env };
}

function resources({ resources: { requests = {}, limits = {} } = {} }: PodSettings): object {
  const present = (quantities: Readonly<Record<string, string | null>>) =>
    Object.fromEntries(Object.entries(quantities).filter(([, quantity]) => quantity !== null));
  return { requests: present(requests), limits: present(limits) };
}

/** Kubernetes expands `$(NAME)` in arguments and environment: a tenant's text must arrive as it is. */
function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}

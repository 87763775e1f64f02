/** The parts of a pod that follow from its settings, whatever the pod is for. */
import {
  ADDRESSES_VARIABLE,
  ALLOWED_ADDRESSES_VARIABLE,
  CA_BUNDLE_DIR,
  POPULATOR_ID,
  type PodSettings,
} from '../api/pod-settings.ts';

export const POPULATOR_CONTAINER = 'populator';
/** Init container that looks into the volume first, in pods whose container does not. */
export const INSPECTOR_CONTAINER = 'inspector';
/** What is read of a pod's log for its progress, which the end of it tells. */
export const PROGRESS_LOG = { container: POPULATOR_CONTAINER, tailLines: 20, limitBytes: 16_384 };
const CA_FILE = 'ca.crt';
/**
 * What tools in a root container need to set owners, modes and file capabilities, and nothing else; Pod Security level "baseline" allows them.
 * Without FSETID the kernel takes the setgid bit off what belongs to a group of which root is no member, and says nothing.
 */
const DATA_CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'SETFCAP'];

/** From SIGTERM to the kubelet's SIGKILL. The populator's own command ends it earlier (POPULATOR_COMMAND), so that its end is told. */
export const GRACE_SECONDS = 10;

/** All of a pod's spec but containers, volumes and its security context: one run, and no token unless the operator says otherwise. */
export function commonPodSpec(settings: PodSettings): Record<string, unknown> {
  const { nodeSelector, tolerations, affinity, imagePullSecrets, priorityClassName, runtimeClassName } = settings;
  return {
    restartPolicy: 'Never',
    ...(settings.serviceAccountName !== undefined && { serviceAccountName: settings.serviceAccountName }),
    automountServiceAccountToken: settings.automountServiceAccountToken ?? false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    ...(settings.activeDeadlineSeconds !== undefined && { activeDeadlineSeconds: settings.activeDeadlineSeconds }),
    ...(nodeSelector && { nodeSelector }),
    ...(tolerations && { tolerations }),
    ...(affinity && { affinity }),
    ...(imagePullSecrets && { imagePullSecrets }),
    ...(priorityClassName !== undefined && { priorityClassName }),
    ...(runtimeClassName !== undefined && { runtimeClassName }),
  };
}

/** The pod's. `fsGroup` makes the kubelet change the group of what a volume holds, so only where the pod is the one that fills it. */
export function podSecurity({ securityProfile }: PodSettings, volume: 'filled' | 'read'): object {
  const id = securityProfile === 'privileged-data' ? 0 : POPULATOR_ID;
  return {
    ...(id !== 0 && { runAsNonRoot: true }),
    ...(id !== 0 && volume === 'filled' && { fsGroup: id, fsGroupChangePolicy: 'OnRootMismatch' }),
    runAsUser: id,
    runAsGroup: id,
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

export function containerSecurity({ securityProfile }: PodSettings): object {
  const add = securityProfile === 'privileged-data' ? { add: DATA_CAPABILITIES } : {};
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'], ...add },
  };
}

/** Of the settings: the CA bundle and the operator's own. */
export function settingsVolumes({ caBundle, volumes = [] }: PodSettings): object[] {
  // Optional: where it is missing the container says which certificate it does not trust, and the next attempt finds it.
  const bundle = caBundle && {
    name: 'ca-bundle',
    configMap: { name: caBundle.configMap, optional: true, items: [{ key: caBundle.key, path: CA_FILE }] },
  };
  return [...(bundle === undefined ? [] : [bundle]), ...volumes];
}

export function settingsMounts({ caBundle, volumeMounts = [] }: PodSettings): object[] {
  return [...(caBundle === undefined ? [] : [readOnlyMount('ca-bundle', CA_BUNDLE_DIR)]), ...volumeMounts];
}

export function readOnlyMount(name: string, mountPath: string): object {
  return { name, mountPath, readOnly: true };
}

/** The environment as a container's `env`. Proxies in both spellings: programs differ in which one they read. What `env` says outright wins. */
export function environmentOf({ proxy, caBundle, env }: PodSettings): { name: string; value: string }[] {
  const proxies = { HTTP_PROXY: proxy?.http, HTTPS_PROXY: proxy?.https, NO_PROXY: proxy?.none };
  const set = Object.entries(proxies).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const, [name.toLowerCase(), value] as const],
  );
  const trusted = caBundle === undefined ? {} : { NODE_EXTRA_CA_CERTS: `${CA_BUNDLE_DIR}/${CA_FILE}` };
  const all = { ...Object.fromEntries(set), ...trusted, ...env };
  return Object.entries(all).map(([name, value]) => ({ name, value: literal(value) }));
}

/**
 * For pods of the populator namespace, which follow addresses of tenants: public ones alone, and what the operator adds. Here too where the
 * cluster's network enforces no NetworkPolicy.
 */
export function publicAddressesOnly({ allowedAddresses = [] }: PodSettings): { name: string; value: string }[] {
  const allowed = { name: ALLOWED_ADDRESSES_VARIABLE, value: allowedAddresses.join() };
  return [{ name: ADDRESSES_VARIABLE, value: 'public' }, ...(allowedAddresses.length > 0 ? [allowed] : [])];
}

export function resourcesOf({ resources: { requests = {}, limits = {} } = {} }: PodSettings): object {
  const present = (quantities: Readonly<Record<string, string | null>>) =>
    Object.fromEntries(Object.entries(quantities).filter(([, quantity]) => quantity !== null));
  return { requests: present(requests), limits: present(limits) };
}

/** Kubernetes expands `$(NAME)` in arguments and environment: a tenant's text must arrive as it is. */
export function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}

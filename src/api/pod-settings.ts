/**
 * What a populator pod may be given beside its container: by the operator for all pods or for one plugin's, and by a plugin for its own.
 *
 * All of it is fixed when the controller starts. Nothing here can come from a tenant's object.
 */
import * as z from 'zod';
import { GROUP, LABEL_MANAGED_BY } from './names.ts';

const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'must be a name of Kubernetes');
const text = z.string().min(1);
/** null takes a quantity away that a layer below has set. */
const quantities = z.record(z.string(), z.string().min(1).nullable());
const absolutePath = z.string().regex(/^\/[^:]+$/, 'must be an absolute path without ":"');

/** Names and paths of a populator pod that are the framework's. */
export const RESERVED_VOLUMES = /^(target|tmp|ca-bundle|claim-\d+|secret-\d+|config-map-\d+)$/;
/** Where the CA bundle of the settings is mounted, as `ca.crt`. */
export const CA_BUNDLE_DIR = '/var/run/volprime/ca';
const RESERVED_PATHS = ['/tmp', '/var/run/volprime'];

const ownKey = (key: string) => key === LABEL_MANAGED_BY || key.split('/')[0]?.endsWith(GROUP) === true;
const foreignKeys = z
  .record(z.string().min(1), z.string())
  .refine((map) => !Object.keys(map).some(ownKey), `may not hold ${LABEL_MANAGED_BY} or keys of ${GROUP}`);

const environment = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of an environment variable'), z.string())
  .refine(
    (env) => !Object.keys(env).some((key) => key.startsWith('VOLPRIME_')),
    'may not hold variables that begin with VOLPRIME_',
  );

/** Whoever may read pods can read it. */
const proxyUrl = z
  .url({ protocol: /^https?$/ })
  .refine((url) => URL.parse(url)?.username === '' && URL.parse(url)?.password === '', 'may not hold credentials');

const toleration = z.strictObject({
  key: text.optional(),
  operator: z.enum(['Exists', 'Equal', 'Lt', 'Gt']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().optional(),
});

/** Kubernetes' own shape: a name and one volume source; the API server knows the sources. */
const volume = z
  .looseObject({ name: name.refine((it) => !RESERVED_VOLUMES.test(it), 'is a name of the framework') })
  .refine((it) => Object.keys(it).length === 2, 'needs a name and exactly one volume source, for example configMap');

const volumeMount = z.strictObject({
  name,
  mountPath: absolutePath.refine(
    (path) => !RESERVED_PATHS.some((reserved) => path === reserved || path.startsWith(`${reserved}/`)),
    `may not lie in ${RESERVED_PATHS.join(' or ')}`,
  ),
  subPath: text.optional(),
  readOnly: z.boolean().optional(),
});

/** Of a populator pod: `public` where it may dial public addresses alone, and those of the next variable, CIDRs with commas between. */
export const ADDRESSES_VARIABLE = 'VOLPRIME_ADDRESSES';
export const ALLOWED_ADDRESSES_VARIABLE = 'VOLPRIME_ALLOWED_ADDRESSES';

/** uid and gid of the populator container, fsGroup of its volumes, and the user of our image. */
export const POPULATOR_ID = 65_532;

/**
 * How the container runs. `restricted`: as Pod Security level "restricted" asks, files belong to POPULATOR_ID.
 * `privileged-data`: as root with CHOWN, DAC_OVERRIDE, FOWNER, FSETID and SETFCAP only, for data whose ownership counts and for block devices;
 * needs a namespace that does not enforce level "restricted".
 */
export const securityProfiles = ['restricted', 'privileged-data'] as const;
export type SecurityProfile = (typeof securityProfiles)[number];

const pluginShape = {
  resources: z.strictObject({ requests: quantities.optional(), limits: quantities.optional() }).optional(),
  securityProfile: z.enum(securityProfiles).optional(),
  nodeSelector: z.record(z.string(), z.string()).optional(),
  tolerations: z.array(toleration).optional(),
  /** Kubernetes' own shape. */
  affinity: z.record(z.string(), z.unknown()).optional(),
  imagePullSecrets: z.array(z.strictObject({ name })).optional(),
  /** Taken literally: `$(NAME)` is not expanded. */
  env: environment.optional(),
  volumes: z.array(volume).optional(),
  volumeMounts: z.array(volumeMount).optional(),
  labels: foreignKeys.optional(),
  annotations: foreignKeys.optional(),
  priorityClassName: name.optional(),
  runtimeClassName: name.optional(),
  /** Seconds after which the kubelet ends the pod, counted from the moment when a node has taken it. */
  activeDeadlineSeconds: z.int().min(1).max(2_147_483_647).optional(),
};

/** What a plugin may ask for its own pods. */
export const pluginPodSettingsSchema = z.strictObject(pluginShape);

/** What the operator may say of pods: the same and what only the operator may say. */
export const podSettingsSchema = z.strictObject({
  ...pluginShape,
  /** A ServiceAccount of the pod's own namespace. Its token is mounted only where the next field says so. */
  serviceAccountName: name.optional(),
  automountServiceAccountToken: z.boolean().optional(),
  /** HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the container. */
  proxy: z.strictObject({ http: proxyUrl.optional(), https: proxyUrl.optional(), none: text.optional() }).optional(),
  /**
   * CIDRs that pods of the populator namespace may dial beside public addresses; "0.0.0.0/0" and "::/0" allow all. Without effect in other
   * namespaces, where nothing is refused.
   */
  allowedAddresses: z.array(z.union([z.cidrv4(), z.cidrv6()], 'must be a CIDR such as 10.20.0.0/16')).optional(),
  /** A ConfigMap of the pod's own namespace with certificates (PEM) that are trusted beside the image's own. */
  caBundle: z.strictObject({ configMap: name, key: text.default('ca.crt') }).optional(),
});

/** The operator's file. Later layers win: framework's defaults, plugin, `all`, `plugins.<name>`. */
export const populatorPodSettingsSchema = z.strictObject({
  all: podSettingsSchema.optional(),
  plugins: z.record(z.string(), podSettingsSchema).optional(),
});

export type PluginPodSettings = z.infer<typeof pluginPodSettingsSchema>;
export type PodSettings = z.infer<typeof podSettingsSchema>;
export type PopulatorPodSettings = z.infer<typeof populatorPodSettingsSchema>;

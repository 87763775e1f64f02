/** The few objects that the tests apply, each with only what matters to the test. */
import type { NewObject } from '../../../src/api/objects.ts';

export interface ClaimOptions {
  readonly name: string;
  readonly namespace: string;
  readonly storageClass: string;
  readonly source: {
    readonly apiGroup: string;
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
  };
  readonly size?: string;
  readonly accessModes?: readonly string[];
  readonly volumeMode?: 'Filesystem' | 'Block';
  /** `before-Rebind` and the like. */
  readonly crashAt?: string;
}

export function aClaimManifest(options: ClaimOptions): NewObject {
  const { name, namespace, storageClass, source, size = '64Mi', crashAt } = options;
  const { accessModes = ['ReadWriteOnce'], volumeMode } = options;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace, ...(crashAt !== undefined && { annotations: { 'volprime.dev/crash-at': crashAt } }) },
    spec: {
      accessModes,
      ...(volumeMode !== undefined && { volumeMode }),
      resources: { requests: { storage: size } },
      storageClassName: storageClass,
      dataSourceRef: source,
    },
  };
}

/** A claim without a source: what everybody else has. */
export function aPlainClaim(namespace: string, name: string, storageClass: string, size = '64Mi'): NewObject {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size } },
      storageClassName: storageClass,
    },
  };
}

export interface WrapperClassOptions {
  readonly name: string;
  /** Undefined: the parameter is missing. */
  readonly target: string | undefined;
  readonly binding: 'Immediate' | 'WaitForFirstConsumer';
  /** Kubernetes' default: Delete. */
  readonly reclaimPolicy?: 'Delete' | 'Retain';
  readonly volumeClass?: 'claim' | 'target';
}

export function aWrapperClass({ name, target, binding, reclaimPolicy, volumeClass }: WrapperClassOptions): NewObject {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: 'volprime.dev/populate',
    parameters: {
      ...(target !== undefined && { targetClass: target }),
      ...(volumeClass !== undefined && { volumeClass }),
    },
    volumeBindingMode: binding,
    allowVolumeExpansion: true,
    ...(reclaimPolicy !== undefined && { reclaimPolicy }),
  };
}

export const providerRef = (name: string) => ({ apiGroup: 'provider.example.com', kind: 'Provider', name });
export const restoreRef = (name: string) => ({ apiGroup: 'volprime.dev', kind: 'SnapshotRestore', name });
export const snapshotRef = (name: string) => ({
  apiGroup: 'snapshot.storage.k8s.io',
  kind: 'VolumeSnapshot',
  name,
});
export const transferRef = (name: string) => ({ apiGroup: 'transfer.example.com', kind: 'Transfer', name });

export function aProvider(namespace: string, name: string, spec: object): NewObject {
  return { apiVersion: 'provider.example.com/v1', kind: 'Provider', metadata: { name, namespace }, spec };
}

export function aTransfer(namespace: string, name: string, dataset: string): NewObject {
  return { apiVersion: 'transfer.example.com/v1', kind: 'Transfer', metadata: { name, namespace }, spec: { dataset } };
}

/** Of a VolumeSnapshot of its own namespace, unless told. */
export function aRestore(
  namespace: string,
  name: string,
  snapshot: { name: string; namespace?: string },
  more: object = {},
): NewObject {
  const spec = { snapshotRef: snapshot, ...more };
  return { apiVersion: 'volprime.dev/v1alpha1', kind: 'SnapshotRestore', metadata: { name, namespace }, spec };
}

/** What Pod Security level "restricted" asks of a pod. */
const restricted = {
  runAsNonRoot: true,
  runAsUser: 1000,
  runAsGroup: 1000,
  fsGroup: 1000,
  seccompProfile: { type: 'RuntimeDefault' },
};

export interface ReaderOptions {
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  readonly claims: readonly string[];
}

interface ScriptOptions extends ReaderOptions {
  readonly script: string;
}

/** A pod that prints, for each claim, a line with its name and then the digest of each of its files. */
export function aReader({ name, namespace, image, claims }: ReaderOptions): NewObject {
  const script =
    'for volume in /volumes/*; do echo "== ${volume#/volumes/}"; cd "$volume";' +
    " find . -name lost+found -prune -o -type f -print | sort | xargs -r sha256sum; done; echo '== end'";
  return aPodManifest({ name, namespace, image, claims, script });
}

/** A pod that uses the claims and ends at once: the first consumer that a class may wait for. */
export function aConsumer(options: ReaderOptions): NewObject {
  return aPodManifest({ ...options, script: 'true' });
}

/** Without pods until it is scaled; each pod runs on with a claim of its own. */
export function aStatefulSet(options: Omit<ClaimOptions, 'crashAt'> & { readonly image: string }): NewObject {
  const { name, namespace, image } = options;
  const pod = aPodManifest({ name, namespace, image, claims: ['unused'], script: 'exec sleep 100000' });
  // The claims of the templates take the place of a volume of their name.
  const template = aClaimManifest({ ...options, name: volumeNameOf(0) });
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace },
    spec: {
      replicas: 0,
      serviceName: name,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...(pod['spec'] as object), restartPolicy: 'Always' } },
      volumeClaimTemplates: [{ metadata: { name: volumeNameOf(0) }, spec: template['spec'] }],
    },
  };
}

function volumeNameOf(index: number): string {
  return `claim-${index}`;
}

/** A pod that runs this script with the claims in /volumes, to write to them. */
export function aWriter(options: ScriptOptions): NewObject {
  return aPodManifest({ ...options, readOnly: false });
}

/** A pod of root's that runs this script with the claims in /volumes, to read whatever owner and mode it finds. */
export function aRootReader(options: ScriptOptions): NewObject {
  return aPod(options, { volumeMounts: mountsOf(options.claims, { readOnly: true }) });
}

/** A pod of root's that runs this script with the claims as devices, `/dev/CLAIM`. */
export function aDevicePod(options: ScriptOptions): NewObject {
  return aPod(options, {
    volumeDevices: options.claims.map((claim, index) => ({
      name: volumeNameOf(index),
      devicePath: `/dev/${claim}`,
    })),
  });
}

/** As Pod Security level "restricted" wants it. */
function aPodManifest({ readOnly = true, ...options }: ScriptOptions & { readonly readOnly?: boolean }): NewObject {
  return aPod(
    options,
    {
      volumeMounts: mountsOf(options.claims, { readOnly }),
      resources: { requests: { cpu: '5m', memory: '8Mi' } },
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    },
    { terminationGracePeriodSeconds: 1, securityContext: restricted },
  );
}

function mountsOf(claims: readonly string[], { readOnly }: { readonly readOnly: boolean }): object[] {
  return claims.map((claim, index) => ({ name: volumeNameOf(index), mountPath: `/volumes/${claim}`, readOnly }));
}

/** Its one container, `reader`, says how it has the claims. */
function aPod(
  { name, namespace, image, claims, script }: ScriptOptions,
  container: object,
  more: object = {},
): NewObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      ...more,
      containers: [
        { name: 'reader', image, imagePullPolicy: 'IfNotPresent', command: ['sh', '-euc', script], ...container },
      ],
      volumes: claims.map((claim, index) => ({
        name: volumeNameOf(index),
        persistentVolumeClaim: { claimName: claim },
      })),
    },
  };
}

/** The objects that are created: all small, all alike, so that only the way to a bound claim differs. */
import type { Claim, DataSourceRef, NewObject, Pod } from '../src/api/objects.ts';

export const NAMESPACE = 'volprime-bench';
export const IMAGE = 'localhost/volprime:bench';

export const instantSource: DataSourceRef = { apiGroup: 'bench.volprime.dev', kind: 'Instant', name: 'instant' };
export const failingSource: DataSourceRef = { ...instantSource, name: 'failing' };
/** A kind that nobody serves: the claim stays ours to bind. */
export const scriptSource: DataSourceRef = { apiGroup: 'bench.volprime.dev', kind: 'Nobody', name: 'nobody' };
export const archiveSource: DataSourceRef = { apiGroup: 'provider.example.com', kind: 'Provider', name: 'archive' };

/** Where a snapshot of the benchmark's own is there. */
export const restoreSource: DataSourceRef = { apiGroup: 'volprime.dev', kind: 'SnapshotRestore', name: 'bench' };
export const snapshotSource: DataSourceRef = {
  apiGroup: 'snapshot.storage.k8s.io',
  kind: 'VolumeSnapshot',
  name: 'bench',
};

export interface ClaimInput {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly storageClass: string;
  readonly source?: DataSourceRef | undefined;
}

export function newClaim({ name, namespace = NAMESPACE, storageClass, source }: ClaimInput): NewObject {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '16Mi' } },
      storageClassName: storageClass,
      ...(source !== undefined && { dataSourceRef: source }),
    },
  };
}

/** One that no claim names. */
export function newProvider(name: string): NewObject {
  return {
    apiVersion: 'provider.example.com/v1',
    kind: 'Provider',
    metadata: { name, namespace: NAMESPACE },
    spec: { sourceURL: 'https://archives.example.com/unused.tar.gz', extractPath: '/' },
  };
}

/** Of the populator's image and with its security context; it mounts the claim's volume and ends at once. */
export function newPod(name: string): NewObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65532,
        runAsGroup: 65532,
        fsGroup: 65532,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'main',
          image: IMAGE,
          imagePullPolicy: 'Never',
          command: ['/usr/bin/sync', '--version'],
          resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '512Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [{ name: 'target', mountPath: '/target' }],
        },
      ],
      volumes: [{ name: 'target', persistentVolumeClaim: { claimName: name } }],
    },
  };
}

export function isBound(claim: Claim): boolean {
  return claim.status?.phase === 'Bound';
}

export function hasEnded(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** `prefix-000`, `prefix-001`, … */
export function namesOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(3, '0')}`);
}

/** What a request does to an object's metadata, as the API server does it. */
import type { KubeObject, Volume } from '../../src/api/objects.ts';
import { ANNOTATION_RECLAIM_POLICY } from '../../src/api/names.ts';
import type { Population } from '../../src/api/population.ts';
import type { StatusPatch } from '../../src/populate/effects/record.ts';
import { UID } from './objects.ts';

/** A delete of an object that finalizers hold. */
export function removal<T extends KubeObject>(object: T, now: number): T {
  return {
    ...object,
    metadata: {
      ...object.metadata,
      deletionTimestamp: object.metadata.deletionTimestamp ?? new Date(now).toISOString(),
    },
  };
}

export function withFinalizers<T extends KubeObject>(object: T, finalizers: readonly string[]): T {
  return { ...object, metadata: { ...object.metadata, finalizers } };
}

/** Annotations changed, as a new version. */
export function withNotes<T extends KubeObject>(object: T, notes: Readonly<Record<string, string | undefined>>): T {
  const merged = Object.entries({ ...object.metadata.annotations, ...notes }).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  const resourceVersion = String(Number(object.metadata.resourceVersion) + 1);
  return { ...object, metadata: { ...object.metadata, resourceVersion, annotations: Object.fromEntries(merged) } };
}

/** The swap: the volume names the user's claim. */
export function handedOver(volume: Volume, policy: 'Delete' | 'Retain', now: number): Volume {
  return {
    ...volume,
    metadata: { ...volume.metadata, annotations: { 'volprime.dev/populated-at': new Date(now).toISOString() } },
    spec: { ...volume.spec, claimRef: { uid: UID }, persistentVolumeReclaimPolicy: policy },
  };
}

/** Its own policy is kept beside the one that it gets. */
export function underPolicy(volume: Volume, persistentVolumeReclaimPolicy: 'Delete' | 'Retain'): Volume {
  const { metadata, spec } = volume;
  const own = metadata.annotations?.[ANNOTATION_RECLAIM_POLICY] ?? spec.persistentVolumeReclaimPolicy ?? 'Delete';
  const annotations = { [ANNOTATION_RECLAIM_POLICY]: own };
  return { ...volume, metadata: { ...metadata, annotations }, spec: { ...spec, persistentVolumeReclaimPolicy } };
}

/** A merge patch of the record's status. */
export function withStatus(population: Population, patch: StatusPatch): Population {
  const { generation } = population.metadata;
  const merged = Object.entries({ ...population.status, observedGeneration: generation, ...patch }).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return { ...population, status: Object.fromEntries(merged) };
}

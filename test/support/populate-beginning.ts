/** How the world of populate-model.ts is before anything has happened in it. */
import { MAX_RECORDED_SOURCE_BYTES } from '../../src/api/source-size.ts';
import type { Observation, PluginFacts } from '../../src/populate/observation.ts';
import { ANNOTATION_MAY_HOLD_CONTENT } from '../../src/api/names.ts';
import { aClaim, aClass, anObservation, aSource } from './objects.ts';

const elsewhereObjects = {
  claim: aClaim({
    spec: {
      dataSourceRef: { apiGroup: 'provider.example.com', kind: 'Provider', name: 'provider1', namespace: 'lib' },
    },
  }),
  home: 'populators',
  access: 'granted',
  source: { ...aSource, namespace: 'lib' },
} as const satisfies Partial<Observation>;

const largeSpec = { ...(aSource.spec as object), include: ['g'.repeat(MAX_RECORDED_SOURCE_BYTES)] };

export interface WorldOptions {
  readonly plugin: PluginFacts;
  readonly reclaimPolicy: 'Delete' | 'Retain';
  readonly waitForConsumer: boolean;
  /** The source is in another namespace, which allows it until told otherwise. */
  readonly elsewhere: boolean;
  /** The spec of the source is too large for the record. */
  readonly large: boolean;
  /** Volumes come with content of others. */
  readonly content: boolean;
  /** The class says that they may. */
  readonly allowed: boolean;
}

export function beginning(options: WorldOptions): Observation {
  const { plugin, reclaimPolicy, waitForConsumer, elsewhere, large, allowed } = options;
  const { metadata } = aClass();
  const storageClass = aClass({
    ...(allowed && { metadata: { ...metadata, annotations: { [ANNOTATION_MAY_HOLD_CONTENT]: 'true' } } }),
    reclaimPolicy,
    volumeBindingMode: waitForConsumer ? 'WaitForFirstConsumer' : 'Immediate',
  });
  const begun = anObservation({ plugin, storageClass, ...(elsewhere && elsewhereObjects) });
  return large && begun.source !== undefined ? { ...begun, source: { ...begun.source, spec: largeSpec } } : begun;
}

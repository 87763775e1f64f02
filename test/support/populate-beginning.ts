/** How the world of populate-model.ts is before anything has happened in it. */
import type { Observation, PluginFacts } from '../../src/populate/observation.ts';
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

export interface WorldOptions {
  readonly plugin: PluginFacts;
  readonly reclaimPolicy: 'Delete' | 'Retain';
  readonly waitForConsumer: boolean;
  /** The source is in another namespace, which allows it until told otherwise. */
  readonly elsewhere: boolean;
}

export function beginning({ plugin, reclaimPolicy, waitForConsumer, elsewhere }: WorldOptions): Observation {
  const storageClass = aClass({
    reclaimPolicy,
    volumeBindingMode: waitForConsumer ? 'WaitForFirstConsumer' : 'Immediate',
  });
  return anObservation({ plugin, storageClass, ...(elsewhere && elsewhereObjects) });
}

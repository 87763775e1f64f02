/** `VolumePopulator` (populator.storage.k8s.io/v1beta1): "claims may name this kind as their source". Its CRD comes from upstream. */
import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';

export interface VolumePopulator extends KubeObject {
  readonly sourceKind: { readonly group: string; readonly kind: string };
}

export const volumePopulators: Resource<VolumePopulator> = {
  group: 'populator.storage.k8s.io',
  version: 'v1beta1',
  kind: 'VolumePopulator',
  plural: 'volumepopulators',
  namespaced: false,
};

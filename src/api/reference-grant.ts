/**
 * `ReferenceGrant` (gateway.networking.k8s.io/v1beta1): the owner of a namespace allows objects of other namespaces to name his.
 * Its CRD comes from upstream; Volprime only reads it. KEP-3294 gives it its meaning for data sources.
 */
import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';

export interface ReferenceGrant extends KubeObject {
  readonly spec: {
    readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
    /** Without a name: every object of that kind in the grant's namespace. */
    readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[];
  };
}

export const referenceGrants: Resource<ReferenceGrant> = {
  group: 'gateway.networking.k8s.io',
  version: 'v1beta1',
  kind: 'ReferenceGrant',
  plural: 'referencegrants',
  namespaced: true,
};

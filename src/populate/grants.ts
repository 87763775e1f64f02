/** Sources of other namespaces: who may use them, and where the work is done. Pure. */
import type { Claim } from '../api/objects.ts';
import type { ReferenceGrant } from '../api/reference-grant.ts';

/**
 * `own`: the source is in the claim's namespace, as dataSourceRef without a namespace means. The others are for a source elsewhere:
 * `granted` and `denied` as the grants there say now, `disabled` where this controller does not serve such claims.
 */
export type Access = 'own' | 'granted' | 'denied' | 'disabled';

export function sourceNamespace(claim: Claim): string {
  return claim.spec.dataSourceRef?.namespace ?? claim.metadata.namespace ?? '';
}

export function namesOtherNamespace(claim: Claim): boolean {
  return sourceNamespace(claim) !== claim.metadata.namespace;
}

/**
 * Whether one of these grants lets the claim name its source (KEP-3294). The grants must be those of the source's namespace: a grant says
 * nothing about any other.
 */
export function isGranted(grants: readonly ReferenceGrant[], claim: Claim): boolean {
  const ref = claim.spec.dataSourceRef;
  if (ref === undefined) return false;
  return grants.some(({ metadata, spec }) => {
    if (metadata.namespace !== ref.namespace || metadata.deletionTimestamp !== undefined) return false;
    const from = spec.from.some(
      ({ group, kind, namespace }) =>
        group === '' && kind === 'PersistentVolumeClaim' && namespace === claim.metadata.namespace,
    );
    const to = spec.to.some(
      ({ group, kind, name }) =>
        group === (ref.apiGroup ?? '') && kind === ref.kind && (name === undefined || name === '' || name === ref.name),
    );
    return from && to;
  });
}

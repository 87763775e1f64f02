import type { KubeObject } from '../api/objects.ts';
import { isOurs } from '../api/proof.ts';
import type { Marks } from './plugin.ts';

/** Where the plugin makes an object, and under which name. */
export interface Place {
  /** Undefined: of the cluster. */
  readonly namespace: string | undefined;
  readonly name: string;
}

/**
 * Whether an object was made for this claim: in this place, with all its marks, and not before the claim's record. A name, a label or an
 * annotation alone proves nothing, since anybody may copy it: what is not ours is neither used nor removed.
 */
export function isMarked(object: KubeObject, place: Place, { record, ownerReferences }: Marks): boolean {
  // An object of the cluster has no owner in a namespace.
  const [owner] = place.namespace === undefined ? [] : ownerReferences;
  return isOurs(object, { ...place, record, owner: owner ?? 'none' });
}

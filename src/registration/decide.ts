import { LABEL_MANAGED_BY, MANAGED_BY } from '../api/names.ts';
import type { NewObject } from '../api/objects.ts';
import { apiVersionOf } from '../api/resources.ts';
import { type VolumePopulator, volumePopulators } from '../api/volume-populator.ts';

export interface SourceKind {
  readonly group: string;
  readonly kind: string;
}

export type Registration =
  | { readonly type: 'registered' }
  | { readonly type: 'create'; readonly object: NewObject }
  /** An object that is for another kind has the name that ours would have. */
  | { readonly type: 'name-taken'; readonly by: VolumePopulator };

/** What is to be done so that this kind is registered. Whoever registered it, it is; nobody's object is changed. Pure. */
export function decideRegistration(source: SourceKind, known: readonly VolumePopulator[]): Registration {
  const isFor = ({ sourceKind }: VolumePopulator) =>
    sourceKind.group === source.group && sourceKind.kind === source.kind;
  if (known.some(isFor)) return { type: 'registered' };
  const object = build(source);
  const by = known.find(({ metadata }) => metadata.name === object.metadata.name);
  return by === undefined ? { type: 'create', object } : { type: 'name-taken', by };
}

function build({ group, kind }: SourceKind): NewObject {
  return {
    apiVersion: apiVersionOf(volumePopulators),
    kind: volumePopulators.kind,
    metadata: { name: `volprime-${kind.toLowerCase()}.${group}`, labels: { [LABEL_MANAGED_BY]: MANAGED_BY } },
    sourceKind: { group, kind },
  };
}

import type { Claim, Pod, Volume } from '../../api/objects.ts';
import type { Population } from '../../api/population.ts';
import type { PopulateContext } from '../context.ts';

/** Everything that could be a leftover, at one moment. What was proven, and how, is decided from it and not before. */
export interface SweepObservation {
  readonly claims: readonly Claim[];
  /** Those with our label. */
  readonly pods: readonly Pod[];
  readonly populations: readonly Population[];
  readonly volumes: readonly Volume[];
  /** Whether this controller has a plugin for this kind of source; both empty for a claim without one. */
  readonly serves: (group: string, kind: string) => boolean;
  /** The only namespaces that the lists above are about; all where undefined. Volumes are always those of the whole cluster. */
  readonly namespaces: readonly string[] | undefined;
}

export function observeSweep(
  { stores, plugins }: Pick<PopulateContext, 'stores' | 'plugins'>,
  namespaces: readonly string[] | undefined,
): SweepObservation {
  return Object.freeze({
    claims: stores.claims.list(),
    pods: stores.pods.list(),
    populations: stores.populations.list(),
    volumes: stores.volumes.list(),
    serves: (group: string, kind: string) => plugins.ofKind(group, kind) !== undefined,
    namespaces,
  });
}

/** How a volume is to be captured, from what the cluster says of it. Pure. */
import type { Claim, Pod, StorageClass, Volume } from '../../api/objects.ts';
import { PermanentError } from '../../sdk/index.ts';
import { hooksOf } from './hooks.ts';
import type { CaptureParameters } from './parameters.ts';
import type { CaptureState } from './state.ts';

export interface PlanFacts {
  readonly parameters: CaptureParameters;
  readonly source: Claim;
  readonly volume: Volume;
  readonly storageClass: StorageClass | undefined;
  readonly users: readonly Pod[];
  /** The driver was asked for a clone of such a volume not long ago, and none came. */
  readonly cloneFailedLately: boolean;
}

/** @throws PermanentError `CloneNotPossible` under `clone: require`, `InvalidHook`. */
export function planCapture(facts: PlanFacts): CaptureState {
  const { parameters, users, cloneFailedLately } = facts;
  const obstacle = obstacleToClone(facts);
  if (parameters.clone === 'require' && obstacle !== undefined)
    throw new PermanentError('CloneNotPossible', `the class asks for a clone (clone: require), and ${obstacle}`);
  const tried = parameters.clone === 'require' || (parameters.clone === 'auto' && !cloneFailedLately);
  const hooks = hooksOf(users);
  return {
    route: tried && obstacle === undefined ? 'clone' : 'live',
    hooks,
    quiesce: hooks.length > 0 ? 'planned' : 'none',
  };
}

/**
 * Only CSI's own provisioner refuses what its driver cannot clone. Any other may hand out an empty volume for a clone, which would be captured
 * as if it were the source.
 */
function obstacleToClone({ source, volume, storageClass }: PlanFacts): string | undefined {
  const driver = volume.spec.csi?.driver;
  const name = source.metadata.name;
  if (driver === undefined) return `the volume of claim ${name} is of no CSI driver`;
  if (storageClass === undefined) return `the StorageClass of claim ${name} does not exist`;
  if (storageClass.provisioner !== driver)
    return `the StorageClass of claim ${name} provisions by ${storageClass.provisioner}, and its volume is of ${driver}`;
  return undefined;
}

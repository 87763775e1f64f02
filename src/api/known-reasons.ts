/** The words of the label `reason`. A plugin or a pod may report any other word; a metric counts it as `Other`. */
import { reasons } from './reasons.ts';
import { snapshotReasons } from './snapshot-reasons.ts';

export const knownReasons: ReadonlySet<string> = new Set([...Object.keys(reasons), ...Object.keys(snapshotReasons)]);

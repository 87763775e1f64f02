/**
 * The built-in plugin of wrapper classes, for what an ordinary provisioner does by itself: a claim without a data source, a clone of another
 * claim, a restore from a snapshot. The prime carries the same data source in the target class; once it is bound, all is done. So plain
 * claims of a wrapper class take the same way as populated ones.
 */
import { SNAPSHOT_GROUP } from '../api/snapshots.ts';
import type { Plugin } from '../sdk/index.ts';

/** Kinds of data sources that provisioners know; both empty for none. */
export function isPassedThrough(group: string, kind: string): boolean {
  if (group === '') return kind === '' || kind === 'PersistentVolumeClaim';
  return group === SNAPSHOT_GROUP && kind === 'VolumeSnapshot';
}

export const passThrough: Plugin = {
  name: 'pass-through',
  // There is no object to watch: the provisioner reads the source.
  source: { group: '', version: 'v1', kind: '' },
  schema: { parse: (spec) => spec },
  mutatePrime: (prime, { claimObject }) => {
    const { dataSource, dataSourceRef, selector } = claimObject.spec;
    const given = { dataSource, dataSourceRef, selector };
    const present = Object.entries(given).filter(([, value]) => value !== undefined);
    return { ...prime, spec: { ...asRecord(prime['spec']), ...Object.fromEntries(present) } };
  },
  populate: () => Promise.resolve(),
  // The word of the provisioner is all there is.
  populateComplete: () => Promise.resolve({ done: true, result: { verification: 'none' } }),
};

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

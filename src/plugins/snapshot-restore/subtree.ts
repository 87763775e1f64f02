/** The part of a snapshot that is asked for. */
import { PermanentError } from '../../sdk/index.ts';

/** @returns without slashes at its ends; '' is all. @throws PermanentError `InvalidSource` */
export function normalSubtree(subtree: string | undefined): string {
  const parts = (subtree ?? '').split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..'))
    throw new PermanentError('InvalidSource', 'The path in the snapshot must stay inside of it.');
  return parts.join('/');
}

/** @throws PermanentError `InvalidSource` */
export function refuseSubtreeOfDevice(subtree: string): void {
  if (subtree === '') return;
  throw new PermanentError('InvalidSource', 'The snapshot is of a block device, which has no paths.');
}

/** @throws PermanentError `VolumeModeMismatch` */
export function requireSameKind(source: 'directory' | 'device', target: 'directory' | 'device'): void {
  if (source === target) return;
  const words = { directory: 'a file system', device: 'a block device' };
  const message = `The snapshot is of ${words[source]}, and the volume is ${words[target]}: use the volumeMode of the source.`;
  throw new PermanentError('VolumeModeMismatch', message);
}

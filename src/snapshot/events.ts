/** Every event of this room, as a named constructor. On the VolumeSnapshot, where its owner looks; on the content where there is none. */
import type { Text } from '../api/foreign.ts';
import type { EventDraft } from '../runtime/index.ts';
import { plainText } from './failure.ts';
import type { Observation } from './observation.ts';

interface Words {
  readonly reason: string;
  readonly message: Text;
}

export function captureFailed(o: Observation, words: Words): EventDraft | undefined {
  return warning(o, 'Snapshot', words, ' (it is tried again)');
}

export function waiting(o: Observation, words: Words): EventDraft | undefined {
  return warning(o, 'Wait', words, '');
}

export function removalFailed(o: Observation, words: Words): EventDraft | undefined {
  return warning(o, 'Delete', words, ' (it is tried again)');
}

/** Names what is left, where, and why. */
export function dataLeft(
  o: Observation,
  left: { readonly handle: string; readonly secret: string; readonly because: string },
) {
  const message = `the data of snapshot ${left.handle} is left in its repository (${left.secret}): ${left.because}`;
  return warning(o, 'Delete', { reason: 'SnapshotDataLeft', message }, '');
}

export function cleanupSkipped(o: Observation): EventDraft | undefined {
  const message = 'the cleanup function of the plugin fails; it goes on without it';
  return warning(o, 'Cleanup', { reason: 'SnapshotCleanupFailed', message }, '');
}

function warning(
  { snapshot, content }: Observation,
  action: string,
  { reason, message }: Words,
  next: string,
): EventDraft | undefined {
  const regarding = snapshot ?? content;
  if (regarding === undefined) return undefined;
  const note = `${plainText(message)}${next}`;
  return { regarding, ...(snapshot !== undefined && { related: content }), type: 'Warning', reason, action, note };
}

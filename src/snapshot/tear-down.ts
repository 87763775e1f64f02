/** What is removed, and in which order: the data, then what the work needed. A missing or hanging part blocks no deletion for ever. */
import type { VolumeSnapshotContent } from '../api/snapshots.ts';
import type { Action } from './action.ts';
import { isGivenUp, isInUse, isReady } from './facts.ts';
import type { Observation } from './observation.ts';

/** Failed calls after which a removal that may be given up is. */
export const REMOVAL_ATTEMPTS = 5;
/** How long it may be under way. */
const REMOVAL_PATIENCE_MS = 5 * 60_000;
export const CLEANUP_ATTEMPTS = 10;

/** The next step to remove the data; undefined where none is to be removed, or none is left. */
export function removeData(o: Observation, content: VolumeSnapshotContent, now: number): Action | undefined {
  const handle = doomedHandle(o, content);
  if (handle === undefined || o.local.removal.done)
    return o.local.removal.done && holdsFacts(content) ? { type: 'ClearStatus' } : undefined;
  if (isInUse(o.snapshot))
    return {
      type: 'Wait',
      waiting: {
        reason: 'SnapshotDeletePending',
        message: 'a claim is being restored from the snapshot',
        telling: true,
      },
    };
  const because = reasonToAbandon(o, content, now);
  if (because !== undefined) return { type: 'AbandonData', handle, because };
  const { retryAt } = o.local.removal;
  if (retryAt > now)
    return { type: 'Wait', waiting: { reason: 'CleaningUp', message: 'the data is being removed', until: retryAt } };
  return { type: 'CallDelete', handle };
}

/** Under Retain only what never became a snapshot is removed. */
function doomedHandle({ record, plugin }: Observation, content: VolumeSnapshotContent): string | undefined {
  const { status, spec } = content;
  const captured = record === undefined || record === 'unreadable' ? undefined : record;
  if (captured === undefined || isReady(content))
    return spec.deletionPolicy === 'Delete' ? status?.snapshotHandle : undefined;
  return status?.snapshotHandle ?? captured.handle ?? plugin?.handleOf?.(captured.key);
}

/**
 * The data of a ready snapshot is given up only where its namespace ends, which takes the credentials with it; what was not ready is given
 * up after a bounded time, since it must block nothing.
 */
function reasonToAbandon(o: Observation, content: VolumeSnapshotContent, now: number): string | undefined {
  if (isGivenUp(o)) return 'as the annotation volprime.dev/skip-cleanup asks for';
  const { failures, since, homeEnds, lastError } = o.local.removal;
  if (isReady(content) && !homeEnds) return undefined;
  if (failures >= REMOVAL_ATTEMPTS) return lastError ?? `${failures} calls failed`;
  return since > 0 && now - since >= REMOVAL_PATIENCE_MS ? (lastError ?? 'the removal did not end') : undefined;
}

function holdsFacts({ status }: VolumeSnapshotContent): boolean {
  return [status?.snapshotHandle, status?.creationTime, status?.restoreSize, status?.readyToUse].some(
    (member) => member !== undefined,
  );
}

/** The next step to remove what the work needed; undefined where nothing is left. */
export function cleanUp(o: Observation, now: number): Action | undefined {
  if (o.plugin?.hasCleanup !== true || o.local.cleaned) return undefined;
  if (o.local.cleanupFailures >= CLEANUP_ATTEMPTS) return { type: 'SkipCleanup' };
  const { cleanupRetryAt: until } = o.local;
  if (until > now)
    return { type: 'Wait', waiting: { reason: 'CleaningUp', message: 'the cleanup function failed', until } };
  return { type: 'CallCleanup' };
}

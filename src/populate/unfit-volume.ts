/** Before an attempt: whether its volume may be written to. Pure. */
import type { Action } from './action.ts';
import { needsAttempt } from './facts.ts';
import type { Observation } from './observation.ts';
import { discardPrime } from './tear-down.ts';
import { isSpoiled, mayHoldContent } from './volume-content.ts';

/** How often a volume that shares its storage is looked at again: the other one may be on its way out. */
const SHARED_LOOK_MS = 30_000;

/** Whatever keeps an attempt from this volume: its storage is another's too, or nothing proves that what is in it is ours to remove. */
export function unfitVolume(o: Observation, now: number): Action | undefined {
  const { sharedWith, volume } = o;
  if (!needsAttempt(o)) return undefined;
  if (sharedWith !== undefined && !mayHoldContent(o.storageClass)) {
    const message =
      `volume ${volume?.metadata.name} of the temporary claim and volume ${sharedWith.metadata.name} have the same storage; nothing is written to it. ` +
      `StorageClass ${o.storageClass?.metadata.name} must make storage of its own for each volume; correct it, then delete and recreate the claim`;
    return { type: 'Wait', waiting: { reason: 'VolumeShared', message, mood: 'blocked', until: now + SHARED_LOOK_MS } };
  }
  return isSpoiled(o) ? discardPrime(o, now) : undefined;
}

/**
 * Whose the content of a prime's volume is, and what follows from that. Pure.
 *
 * A provisioner may hand out a directory that is in use (decision 0032). So a volume counts as ours, to be emptied and to be deleted whatever
 * its class says, only where the record says that a pod found it empty when it was new.
 */
import { ANNOTATION_MAY_HOLD_CONTENT } from '../api/names.ts';
import type { StorageClass, Volume } from '../api/objects.ts';
import type { Found, TargetState } from '../api/populator-program.ts';
import { foundByPod, hasStarted } from '../pods/index.ts';
import { attemptOf, isBoundTo, isDeleting, isSwapped } from './facts.ts';
import type { Observation } from './observation.ts';

/** The operator says that volumes of this class may come with content. */
export function mayHoldContent(storageClass: StorageClass | undefined): boolean {
  return storageClass?.metadata.annotations?.[ANNOTATION_MAY_HOLD_CONTENT] === 'true';
}

/** What was found in the volume that the record names: its own word, else that of the pod of the recorded attempt. */
export function foundInRecorded(o: Observation): Found | undefined {
  const recorded = o.population?.status?.volume;
  if (recorded === undefined) return undefined;
  if (recorded.found !== undefined) return recorded.found;
  const pod = o.pods.find(({ attempt }) => attempt === attemptOf(o))?.pod;
  return pod === undefined ? undefined : foundByPod(pod);
}

/** The record's volume with what is known of its content, for the next write of the status. */
export function recordedVolume(o: Observation) {
  const volume = o.population?.status?.volume;
  const found = foundInRecorded(o);
  return volume === undefined ? undefined : { ...volume, ...(found !== undefined && { found }) };
}

/** What the record says of this volume. */
function recordedFound({ population }: Observation, { metadata }: Volume): Found | undefined {
  const recorded = population?.status?.volume;
  return recorded?.uid === metadata.uid ? recorded.found : undefined;
}

/**
 * Whether the volume may be removed although its class retains it. It was made after the record, for a prime that the record names, a pod
 * found it empty, and no other PersistentVolume shares its storage.
 */
export function isOursAlone(o: Observation, volume: Volume): boolean {
  const { population } = o;
  if (population === undefined || recordedFound(o, volume) !== 'empty' || o.sharedWith !== undefined) return false;
  const owner = volume.spec.claimRef?.uid;
  const { prime, discard } = population.status ?? {};
  const made = Date.parse(volume.metadata.creationTimestamp) >= Date.parse(population.metadata.creationTimestamp);
  return made && owner !== undefined && (owner === prime?.uid || owner === discard || owner === o.uid);
}

/** Whether the volume must survive its prime although its class deletes it. */
export function mustSurvive(o: Observation, volume: Volume): boolean {
  return o.sharedWith !== undefined || recordedFound(o, volume) === 'content';
}

/** Known to an ended pod and not yet to the record, and needed there before volume or pod are touched. */
export function unrecordedFinding(o: Observation): Found | undefined {
  const recorded = o.population?.status?.volume;
  const found = recorded?.found === undefined ? foundInRecorded(o) : undefined;
  if (found === undefined || isSwapped(o)) return undefined;
  const volume = o.volume?.metadata.uid === recorded?.uid ? o.volume : o.former;
  const retained = volume?.spec.persistentVolumeReclaimPolicy === 'Retain' && !isDeleting(volume);
  // Where the class deletes, the finding goes into the record together with the end of the attempt.
  return found === 'content' || retained ? found : undefined;
}

/** What the pod of the next attempt, or of this one before it has started, is told of the volume. */
export function targetStateOf(o: Observation): TargetState {
  const found = o.volume && recordedFound(o, o.volume);
  const allowed = mayHoldContent(o.storageClass);
  if (found === 'content' || (found === 'empty' && o.sharedWith !== undefined)) return allowed ? 'held-content' : 'new';
  if (found === 'empty') return 'was-empty';
  return allowed ? 'may-hold-content' : 'new';
}

/** An attempt was made on the volume, and no pod said that it was empty before: what is in it now is nobody's to remove. */
export function isSpoiled(o: Observation): boolean {
  const { volume, prime, population } = o;
  if (volume === undefined || prime === undefined || !isBoundTo(volume, prime)) return false;
  if (volume.spec.volumeMode === 'Block' || mayHoldContent(o.storageClass)) return false;
  return population?.status?.volume?.uid === volume.metadata.uid && population.status.volume.found !== 'empty';
}

/** The attempt ended before its container started, so nothing was written to the volume. */
export function isUntouched(o: Observation): boolean {
  const attempt = attemptOf(o);
  const pod = o.pods.find((entry) => entry.attempt === attempt)?.pod;
  return pod === undefined ? o.local.podSeen !== attempt : !hasStarted(pod);
}

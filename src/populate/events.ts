/** Every event that a claim's user can see, as a named constructor. Emitted on transitions only. */
import type { Claim, KubeObject, Volume } from '../api/objects.ts';
import type { Population, PopulationResult } from '../api/population.ts';
import type { EventDraft } from '../runtime/index.ts';

interface About {
  readonly claim: Claim;
  readonly population: Population | undefined;
}

type Said = Pick<EventDraft, 'type' | 'reason' | 'action' | 'note'>;

/** As its reader may have it: see for-owner.ts. */
interface Words {
  readonly reason: string;
  readonly message: string;
}

function event({ claim, population }: About, text: Said): EventDraft {
  return { regarding: claim, ...(population !== undefined && { related: population }), ...text };
}

export function populatorCreated(about: About, pod: string): EventDraft {
  return event(about, {
    type: 'Normal',
    reason: 'PopulatorCreated',
    action: 'Populate',
    note: `Populator pod ${pod} is created`,
  });
}

export function populatorFinished(about: About, result: PopulationResult | undefined): EventDraft {
  const volume = about.claim.spec.volumeName ?? '';
  const size = result?.bytes === undefined ? '' : `, ${result.bytes} bytes`;
  const files = result?.files === undefined ? '' : `, ${result.files} files`;
  const digest = result?.digest === undefined ? '' : `, ${result.digest}`;
  if (about.population?.spec.source.kind === '')
    return event(about, {
      type: 'Normal',
      reason: 'PopulatorFinished',
      action: 'Bind',
      note: `Volume ${volume} is bound`,
    });
  const note = `Volume ${volume} is populated and bound (verification: ${result?.verification ?? 'none'}${size}${files}${digest})`;
  return event(about, { type: 'Normal', reason: 'PopulatorFinished', action: 'Bind', note });
}

/** `reason` is the cause itself, for example ChecksumMismatch. */
export function populationFailed(about: About, failure: Words, next: string): EventDraft {
  return event(about, {
    type: 'Warning',
    reason: failure.reason,
    action: 'Populate',
    note: `${failure.message} (${next})`,
  });
}

/** On the object of another namespace that the data of the claim is of. */
export function sourceFailed(source: KubeObject, { metadata }: Claim, { reason, message }: Words): EventDraft {
  const note = `Populating claim ${metadata.namespace}/${metadata.name} failed: ${message}`;
  return { regarding: source, type: 'Warning', reason, action: 'Populate', note };
}

/** On the volume itself where the claim is gone or going. */
export function volumeKept(claim: Claim | undefined, volume: Volume): EventDraft {
  const regarding = claim === undefined || claim.metadata.deletionTimestamp !== undefined ? volume : claim;
  const { name } = volume.metadata;
  const note =
    `Volume ${name} was not handed over and is kept (Released, Retain): no pod found it empty, or it shares its storage, so its content may belong to others. ` +
    `If it is not needed, remove its storage and "kubectl delete pv ${name}"`;
  return { regarding, related: volume, type: 'Warning', reason: 'VolumeKept', action: 'Keep', note };
}

export function blocked(about: About, waiting: Words): EventDraft {
  return event(about, { type: 'Warning', reason: waiting.reason, action: 'Wait', note: waiting.message });
}

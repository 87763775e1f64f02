import type { Volume } from '../api/objects.ts';
import {
  ANNOTATION_REPOSITORY_CLAIM,
  PARAMETER_REPOSITORY_CLAIM,
  type VolumeSnapshotContent,
} from '../api/snapshots.ts';
import type { CallFailure } from '../runtime/index.ts';
import type { Waiting } from './action.ts';
import { isBound } from './facts.ts';
import type { Observation } from './observation.ts';
import { CAPTURE_FORMAT, type CaptureRecord, capacityOf } from './record.ts';

/** Whether a capture can be begun, and as what. */
export type Beginning =
  | { readonly type: 'ready'; readonly record: CaptureRecord }
  | { readonly type: 'not-yet'; readonly waiting: Waiting }
  | { readonly type: 'refused'; readonly failure: CallFailure };

/** Prefix of the class parameters that are the framework's own. */
export const FRAMEWORK_PREFIX = 'csi.storage.k8s.io/';
/** Caches of different kinds are not in step: what an object names may be seen after it. */
const CACHE_GRACE_MS = 5_000;

/** Looks at everything that a capture needs to be known; nothing of this is asked again once it was begun. Pure. */
export function beginning(o: Observation, content: VolumeSnapshotContent, now: number): Beginning {
  if (o.record !== undefined && o.record !== 'unreadable') return { type: 'ready', record: again(o.record) };
  if (!isBound(content))
    return notYet('SnapshotNotBound', 'the content names its VolumeSnapshot without a UID', undefined);
  const className = content.spec.volumeSnapshotClassName;
  if (className !== undefined && o.snapshotClass === undefined)
    return missing(content, now, 'SnapshotClassNotFound', `VolumeSnapshotClass ${className} does not exist`);
  const { namespace = '', name = '', uid = '' } = content.spec.volumeSnapshotRef;
  if (o.snapshot === undefined)
    return notYet('SnapshotNotFound', `VolumeSnapshot ${namespace}/${name} is not there`, undefined);
  const claimName = o.snapshot.spec.source.persistentVolumeClaimName ?? '';
  if (o.claim === undefined)
    return missing(content, now, 'SourceClaimNotFound', `claim ${namespace}/${claimName} does not exist`);
  if (o.volume === undefined || !isSource(o.volume, content))
    return missing(
      content,
      now,
      'SourceVolumeChanged',
      `claim ${namespace}/${claimName} is not bound to the volume that the snapshot was asked of (handle ${content.spec.source.volumeHandle}): take another VolumeSnapshot`,
    );
  return {
    type: 'ready',
    record: {
      format: CAPTURE_FORMAT,
      key: uid,
      attempt: 1,
      source: {
        namespace,
        claim: claimName,
        claimUid: o.claim.metadata.uid,
        volume: o.volume.metadata.name,
        ...capacityOf(o.volume),
      },
      parameters: parametersOf(o, content),
    },
  };
}

/** What the class says to the plugin. For an import the annotation that is kept on the content says what the class no longer can. */
export function parametersOf({ snapshotClass, record }: Observation, { metadata }: VolumeSnapshotContent) {
  if (record !== undefined && record !== 'unreadable') return record.parameters;
  const claim = metadata.annotations?.[ANNOTATION_REPOSITORY_CLAIM];
  return {
    ...ownParameters(snapshotClass?.parameters),
    ...(claim !== undefined && { [PARAMETER_REPOSITORY_CLAIM]: claim }),
  };
}

/** Without those of the framework. */
export function ownParameters(parameters: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).filter(([key]) => !key.startsWith(FRAMEWORK_PREFIX)));
}

function again({ handle: _handle, state: _state, ...record }: CaptureRecord): CaptureRecord {
  return { ...record, attempt: record.attempt + 1 };
}

/** The volume handle alone is not unique across drivers, so the volume is that of the claim, and the handle must agree. */
function isSource({ spec }: Volume, content: VolumeSnapshotContent): boolean {
  return spec.csi !== undefined && spec.csi.volumeHandle === content.spec.source.volumeHandle;
}

function notYet(reason: string, message: string, until: number | undefined): Beginning {
  return { type: 'not-yet', waiting: { reason, message, ...(until !== undefined && { until }) } };
}

function missing(content: VolumeSnapshotContent, now: number, reason: string, message: string): Beginning {
  const until = Date.parse(content.metadata.creationTimestamp) + CACHE_GRACE_MS;
  return until > now
    ? notYet(reason, message, until)
    : { type: 'refused', failure: { reason, message, scope: 'call' } };
}

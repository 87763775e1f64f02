/** The pair that a VolumeCapture makes: a content with a handle that is known beforehand, and the VolumeSnapshot that names it. Pure. */
import { captureContentName, LABEL_MANAGED_BY, MANAGED_BY } from '../../api/names.ts';
import type { Claim, NewObject, Volume } from '../../api/objects.ts';
import { proofFor } from '../../api/proof.ts';
import { apiVersionOf } from '../../api/resources.ts';
import {
  ANNOTATION_BEING_CREATED,
  ANNOTATION_REPOSITORY_CLAIM,
  ANNOTATION_SECRET_NAME,
  ANNOTATION_SECRET_NAMESPACE,
  ANNOTATION_VOLUME_CAPTURE_NAME,
  CONTENT_FINALIZER,
  PARAMETER_REPOSITORY_CLAIM,
  type VolumeSnapshotClass,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../api/snapshots.ts';
import type { VolumeCapture } from '../../api/volume-capture.ts';
import { FRAMEWORK_PREFIX, ownParameters } from '../beginning.ts';
import { CAPTURE_FORMAT, type CaptureRecord, capacityOf, recorded } from '../record.ts';
import type { Names } from './action.ts';

export interface Parts {
  readonly capture: VolumeCapture;
  readonly claim: Claim;
  readonly volume: Volume;
  readonly snapshotClass: VolumeSnapshotClass;
  readonly handle: string;
}

export function namesOf({ metadata, spec }: VolumeCapture): Names {
  return { snapshotName: spec.snapshotName ?? metadata.name, contentName: captureContentName(metadata.uid) };
}

/**
 * The finalizer and the being-created annotation are there from the start: the capture may begin before the snapshot controller has bound
 * the two, and must be cancelled if the content is deleted meanwhile.
 */
export function contentOf(parts: Parts): NewObject {
  const { capture, volume, snapshotClass, handle } = parts;
  const { namespace = '' } = capture.metadata;
  const { snapshotName, contentName } = namesOf(capture);
  const record = recordOf(parts);
  const claim = record.parameters[PARAMETER_REPOSITORY_CLAIM];
  const secret = secretOf(snapshotClass, capture);
  return {
    apiVersion: apiVersionOf(volumeSnapshotContents),
    kind: volumeSnapshotContents.kind,
    metadata: {
      name: contentName,
      labels: { [LABEL_MANAGED_BY]: MANAGED_BY },
      finalizers: [CONTENT_FINALIZER],
      annotations: {
        ...recorded(record),
        [ANNOTATION_BEING_CREATED]: 'yes',
        ...proofFor({ kind: 'VolumeCapture', uid: capture.metadata.uid }),
        [ANNOTATION_VOLUME_CAPTURE_NAME]: capture.metadata.name,
        ...(claim !== undefined && { [ANNOTATION_REPOSITORY_CLAIM]: claim }),
        ...(secret !== undefined && {
          [ANNOTATION_SECRET_NAME]: secret.name,
          [ANNOTATION_SECRET_NAMESPACE]: secret.namespace,
        }),
      },
    },
    spec: {
      driver: snapshotClass.driver,
      deletionPolicy: snapshotClass.deletionPolicy,
      source: { snapshotHandle: handle },
      sourceVolumeMode: volume.spec.volumeMode ?? 'Filesystem',
      volumeSnapshotClassName: snapshotClass.metadata.name,
      volumeSnapshotRef: {
        apiVersion: apiVersionOf(volumeSnapshots),
        kind: volumeSnapshots.kind,
        namespace,
        name: snapshotName,
      },
    },
  };
}

export function snapshotOf(capture: VolumeCapture): NewObject {
  const { namespace = '', uid } = capture.metadata;
  const { snapshotName, contentName } = namesOf(capture);
  return {
    apiVersion: apiVersionOf(volumeSnapshots),
    kind: volumeSnapshots.kind,
    metadata: {
      name: snapshotName,
      namespace,
      annotations: proofFor({ kind: 'VolumeCapture', uid }),
    },
    spec: {
      source: { volumeSnapshotContentName: contentName },
      volumeSnapshotClassName: capture.spec.volumeSnapshotClassName,
    },
  };
}

/** What is wrong with the class's Secret, for a person; undefined where it can be used. */
export function secretObjection(snapshotClass: VolumeSnapshotClass, capture: VolumeCapture): string | undefined {
  const name = snapshotClass.parameters?.[SECRET_NAME];
  const namespace = snapshotClass.parameters?.[SECRET_NAMESPACE];
  if ((name === undefined) !== (namespace === undefined))
    return `its parameters ${SECRET_NAME} and ${SECRET_NAMESPACE} need each other`;
  const secret = secretOf(snapshotClass, capture);
  const left = [secret?.name, secret?.namespace].find((text) => text?.includes('${'));
  return left === undefined ? undefined : `"${left}" in its parameters is no template that is known`;
}

const SECRET_NAME = `${FRAMEWORK_PREFIX}snapshotter-secret-name`;
const SECRET_NAMESPACE = `${FRAMEWORK_PREFIX}snapshotter-secret-namespace`;

/** By the snapshot controller's own templates (external-snapshotter, pkg/utils: the namespace may not follow the VolumeSnapshot's name). */
function secretOf({ parameters }: VolumeSnapshotClass, capture: VolumeCapture) {
  const { snapshotName, contentName } = namesOf(capture);
  const outer = (text: string) =>
    text
      .replaceAll('${volumesnapshot.namespace}', capture.metadata.namespace ?? '')
      .replaceAll('${volumesnapshotcontent.name}', contentName);
  const name = parameters?.[SECRET_NAME];
  const namespace = parameters?.[SECRET_NAMESPACE];
  if (name === undefined || namespace === undefined) return undefined;
  return { name: outer(name).replaceAll('${volumesnapshot.name}', snapshotName), namespace: outer(namespace) };
}

function recordOf({ capture, claim, volume, snapshotClass }: Parts): CaptureRecord {
  return {
    format: CAPTURE_FORMAT,
    key: capture.metadata.uid,
    attempt: 1,
    source: {
      namespace: claim.metadata.namespace ?? '',
      claim: claim.metadata.name,
      claimUid: claim.metadata.uid,
      volume: volume.metadata.name,
      ...capacityOf(volume),
    },
    parameters: ownParameters(snapshotClass.parameters),
  };
}

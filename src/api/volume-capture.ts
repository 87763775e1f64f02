/**
 * `VolumeCapture` (volprime.dev/v1alpha1): a snapshot of a claim whose volume is of no CSI driver (local-path, hostPath, NFS in-tree). The
 * snapshot controller takes no VolumeSnapshot of such a claim, so this kind makes the pair of VolumeSnapshot and content, bound to each other
 * beforehand, and the content is captured as any other. One capture each: the VolumeSnapshot is what stays.
 */
import * as z from 'zod';
import { conditionsSchema } from './conditions.ts';
import { GROUP } from './names.ts';
import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';

const name = z.string().min(1).max(253);

export const volumeCaptureSpecSchema = z
  .object({
    claimName: name.meta({ description: 'Claim of this namespace whose volume is captured.' }),
    volumeSnapshotClassName: name.meta({
      description:
        'A VolumeSnapshotClass of a driver of Volprime; its policy and parameters count as for a VolumeSnapshot.',
    }),
    snapshotName: name.optional().meta({
      description: 'Name of the VolumeSnapshot that is made in this namespace; that of the VolumeCapture unless told.',
    }),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'self == oldSelf',
        message: 'a VolumeCapture is one capture: make another one instead of changing its spec',
      },
    ],
  });

export const volumeCaptureStatusSchema = z.object({
  observedGeneration: z.int().min(0).optional().meta({ format: 'int64' }),
  snapshotName: z.string().optional().meta({ description: 'The VolumeSnapshot of this capture.' }),
  contentName: z.string().optional().meta({ description: 'Its VolumeSnapshotContent; set once that is made.' }),
  progress: z.string().optional().meta({ description: 'How far the capture is, as last written to the content.' }),
  completedAt: z
    .string()
    .optional()
    .meta({ format: 'date-time', description: 'When it was over; from then on nothing more is done.' }),
  conditions: conditionsSchema.optional(),
});

export type VolumeCaptureSpec = z.infer<typeof volumeCaptureSpecSchema>;
export type VolumeCaptureStatus = z.infer<typeof volumeCaptureStatusSchema>;

export interface VolumeCapture extends KubeObject {
  readonly spec: VolumeCaptureSpec;
  readonly status?: VolumeCaptureStatus;
}

export const volumeCaptures: Resource<VolumeCapture> = {
  group: GROUP,
  version: 'v1alpha1',
  kind: 'VolumeCapture',
  plural: 'volumecaptures',
  namespaced: true,
};

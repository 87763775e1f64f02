/**
 * `SnapshotRestore` (volprime.dev/v1alpha1): "the data of that VolumeSnapshot", into any StorageClass, and with a grant into any namespace.
 * It has no status: how a restore stands is in the Population of each claim that names it.
 */
import * as z from 'zod';
import { GROUP } from './names.ts';
import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';
import { ruled } from './rule.ts';

const objectName = z.string().min(1).max(253);

const pathSchema = ruled(
  z.string().min(1).max(4096),
  'Directory of the snapshot whose content becomes the content of the volume; "/", or absent: all of it.',
  [
    {
      rule: "self.startsWith('/')",
      holds: (path) => path.startsWith('/'),
      message: 'path must start with "/", the root of the snapshot',
    },
    {
      rule: "!self.split('/').exists(part, part == '..')",
      holds: (path) => !path.split('/').includes('..'),
      message: 'path must stay inside the snapshot: ".." is not allowed',
    },
  ],
);

export const snapshotRestoreSpecSchema = ruled(
  z.object({
    snapshotRef: z
      .object({
        name: objectName,
        namespace: z.string().min(1).max(63).optional().meta({
          description:
            'Where the VolumeSnapshot is, if not in the namespace of this object; a ReferenceGrant there must allow it.',
        }),
      })
      .meta({ description: 'The VolumeSnapshot (snapshot.storage.k8s.io) to restore.' }),
    path: pathSchema.optional(),
    verify: z.boolean().default(true).meta({
      description:
        'Read again what was written and compare it, before the claim is bound. Not where a CSI driver restores.',
    }),
  }),
  'What to restore.',
  [{ rule: 'self == oldSelf', holds: () => true, message: 'the spec cannot be changed; make another SnapshotRestore' }],
);

export type SnapshotRestoreSpec = z.infer<typeof snapshotRestoreSpecSchema>;

export interface SnapshotRestore extends KubeObject {
  readonly spec: SnapshotRestoreSpec;
}

export const snapshotRestores: Resource<SnapshotRestore> = {
  group: GROUP,
  version: 'v1alpha1',
  kind: 'SnapshotRestore',
  plural: 'snapshotrestores',
  namespaced: true,
};

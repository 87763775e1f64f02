/** The parameters of a VolumeSnapshotClass of ours. */
import * as z from 'zod';
import { PARAMETER_REPOSITORY_CLAIM } from '../../api/snapshots.ts';

export const captureParametersSchema = z.strictObject({
  /**
   * Whether the volume is cloned by its CSI driver and the clone is read: `auto` tries, and reads the volume itself where no clone comes;
   * `require` captures nothing but clones. That a driver can clone is not to be seen in the API.
   */
  clone: z.enum(['auto', 'never', 'require']).default('auto'),
  /** How long a clone may take under `auto`, in seconds. */
  cloneTimeoutSeconds: z.coerce.number().int().min(5).max(86_400).default(120),
  /** A claim in the namespace of the VolumeSnapshot that holds the repository. */
  [PARAMETER_REPOSITORY_CLAIM]: z.string().min(1).optional(),
});

export type CaptureParameters = z.infer<typeof captureParametersSchema>;

/** What the controller asks of a populator pod that restores a snapshot: the JSON in the pod's VOLPRIME_TASK. It holds no secrets. */
import * as z from 'zod';
import { keySchema } from '../snapshot-capture/task.ts';

export const PLUGIN_NAME = 'snapshot-restore';

const place = z.object({ path: z.string().startsWith('/'), kind: z.enum(['directory', 'device']) });

export const restoreTaskSchema = z.object({
  version: z.literal(1),
  plugin: z.literal(PLUGIN_NAME),
  attemptId: z.string().min(1),
  target: place,
  from: z.discriminatedUnion('type', [
    /** A volume that a CSI driver made from the snapshot, mounted beside the target. */
    z.object({ type: z.literal('volume'), place }),
    /** A capture in the repository whose Secret is mounted (see snapshot-capture/task.ts). */
    z.object({ type: z.literal('repository'), key: keySchema }),
  ]),
  /** A directory of the snapshot, whose content becomes the volume's; no leading slash. Absent: all of it. */
  subtree: z.string().min(1).optional(),
  /** Read again what was written and compare it with the manifest (a volume as source: with what was read). */
  verify: z.boolean(),
});

export type RestoreTask = z.infer<typeof restoreTaskSchema>;

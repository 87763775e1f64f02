/**
 * `Population` (volprime.dev/v1alpha1): the durable record of one claim's population, one per claim UID.
 *
 * It is the controller's crash-safe memory and the user's answer to "why is my claim pending". Nobody but the controller writes it.
 */
import * as z from 'zod';
import { conditionsSchema } from './conditions.ts';
import { GROUP } from './names.ts';
import { findings } from './populator-program.ts';
import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';

const uid = z.string().min(1).max(128);
const time = z.string().meta({ format: 'date-time' });
const count = z.int().min(0).meta({ format: 'int64' });
const anyJson = z.unknown().meta({ 'x-kubernetes-preserve-unknown-fields': true });

export const phases = [
  'Waiting',
  'Provisioning',
  'Populating',
  'Rebinding',
  'CleaningUp',
  'Succeeded',
  'Failed',
] as const;
export type Phase = (typeof phases)[number];

/** How the data was proven before the claim got it. */
export const verifications = ['checksum', 'archive', 'manifest', 'plugin', 'none'] as const;

export const pinnedSourceSchema = z.object({
  namespace: z.string(),
  uid,
  generation: count,
  digest: z.string().max(128).optional().meta({
    description:
      "Digest of the source's spec as it stood when it was pinned; absent for a source of another namespace.",
  }),
  spec: anyJson.optional().meta({
    description:
      "The source's spec as it stood when it was pinned. Holds no secrets. Absent where it is larger than 4 KiB, and for a source of another namespace: it is not for readers of this one.",
  }),
});

export const targetSchema = z.object({
  storageClass: z.string().meta({ description: 'Class of the temporary claim, whose provisioner makes the volume.' }),
  volumeClass: z.string().meta({ description: 'Class that the volume has once it is handed over.' }),
  reclaimPolicy: z
    .enum(['Delete', 'Retain'])
    .meta({ description: 'Reclaim policy that the volume has once it is handed over: that of volumeClass.' }),
});

export const populationSpecSchema = z.object({
  claim: z.object({ name: z.string(), uid }),
  source: z
    .object({ group: z.string(), kind: z.string(), name: z.string() })
    .meta({ description: 'As dataSourceRef names it; empty for a claim of a wrapper class without a data source.' }),
  target: targetSchema.optional().meta({
    description: 'Present where the class of the claim is a wrapper; as the classes stood when the source was pinned.',
  }),
  pinned: pinnedSourceSchema.optional().meta({ description: 'Absent while the source or the class is awaited.' }),
  populatorNamespace: z.string().optional().meta({
    description: 'Where the temporary claim and the populator pods are; absent: in the namespace of the claim.',
  }),
});

export const resultSchema = z.object({
  digest: z.string().max(256).optional().meta({ description: 'Digest of the source as read, for example sha256:…' }),
  bytes: count.optional().meta({ description: 'Bytes received from the source.' }),
  files: count.optional(),
  verification: z.enum(verifications),
  durationMs: count.optional(),
});

export const preparedSchema = z.object({
  path: z
    .enum(['pod', 'podless'])
    .optional()
    .meta({ description: 'How the volume is filled, where the plugin chooses.' }),
  route: z.string().max(64).optional().meta({ description: "The plugin's word for the way that the data takes." }),
  state: anyJson
    .optional()
    .meta({ description: "The plugin's own memory of what it made beside the temporary claim." }),
});

export const progressSchema = z.object({
  bytesDone: count.optional(),
  bytesTotal: count.optional(),
  percent: z.int().min(0).max(100).optional(),
  files: count.optional(),
  updatedAt: time,
});

export const placementSchema = z.object({
  refusals: count.meta({ description: 'How often the provisioner gave up on a node.' }),
  nodes: z.array(z.string()).max(20).meta({ description: 'Nodes on which it did, the latest last.' }),
  seen: z.string().meta({ description: 'Version of the temporary claim at which the last refusal was seen.' }),
  handBackAt: time.meta({ description: 'When the scheduler is asked for a node again.' }),
});

/**
 * Version of what the record means. Members may be added under the same version; it grows when a controller that knows only the old meaning
 * would do harm. A record of a later version is left alone: after a roll-back it waits for the controller that can read it.
 */
export const RECORD_FORMAT = 1;

export const populationStatusSchema = z.object({
  format: count.optional().meta({ description: 'Version of what the members below mean; 1 where it is absent.' }),
  observedGeneration: count.optional(),
  phase: z.enum(phases).optional(),
  attempt: count.optional().meta({ description: 'Number of the current or last attempt; absent before the first.' }),
  failedAttempt: count.optional().meta({ description: 'Number of the last attempt that is over without a result.' }),
  failures: count
    .optional()
    .meta({ description: 'Failures since the source was pinned; the wait between attempts grows with it.' }),
  excused: count.optional().meta({
    description:
      "Failures among them that were not the population's own doing (an eviction, a lost node); they do not count towards the limit of attempts.",
  }),
  prime: z
    .object({ name: z.string(), namespace: z.string(), uid })
    .optional()
    .meta({ description: 'The temporary claim that receives the data.' }),
  volume: z
    .object({
      name: z.string(),
      uid,
      found: z.enum(findings).optional().meta({
        description:
          'What a pod found in the volume before the first write to it; absent where none has looked. Only a volume that was empty is ever emptied, or deleted against the policy of its class.',
      }),
    })
    .optional(),
  placement: placementSchema.optional(),
  prepared: preparedSchema
    .optional()
    .meta({ description: 'What the plugin said before the temporary claim was made.' }),
  discard: uid.optional().meta({ description: 'UID of a prime that must not be used again.' }),
  pod: z.object({ name: z.string(), uid }).optional().meta({ description: 'The populator pod as last seen.' }),
  state: anyJson.optional().meta({ description: "The plugin's own memory between calls." }),
  progress: progressSchema.optional(),
  result: resultSchema.optional(),
  lastError: z
    .object({
      reason: z.string().max(256),
      message: z.string().max(4096),
      permanent: z.boolean(),
      at: time,
    })
    .optional(),
  nextAttemptAt: time.optional(),
  startedAt: time.optional(),
  completedAt: time.optional(),
  conditions: conditionsSchema.optional(),
});

export type Placement = z.infer<typeof placementSchema>;
export type TargetClass = z.infer<typeof targetSchema>;
export type PinnedSource = z.infer<typeof pinnedSourceSchema>;
export type PopulationSpec = z.infer<typeof populationSpecSchema>;
export type PopulationStatus = z.infer<typeof populationStatusSchema>;
export type PopulationResult = z.infer<typeof resultSchema>;
export type PopulationProgress = z.infer<typeof progressSchema>;

export interface Population extends KubeObject {
  readonly spec: PopulationSpec;
  readonly status?: PopulationStatus;
}

export const populations: Resource<Population> = {
  group: GROUP,
  version: 'v1alpha1',
  kind: 'Population',
  plural: 'populations',
  namespaced: true,
};

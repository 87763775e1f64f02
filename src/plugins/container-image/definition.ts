/** A plugin that is nothing but a container image with arguments, written as YAML: no TypeScript, no build. */
import * as z from 'zod';
import { pluginPodSettingsSchema } from '../../api/pod-settings.ts';

const text = z.string().min(1);

const { env: _env, ...fixed } = pluginPodSettingsSchema.shape;

/** The file's shape. In `args` and `env`, `$(spec.FIELD)`, `$(source.name)`, `$(claim.name)` and the like are replaced. */
export const imagePluginSchema = z.strictObject({
  name: text,
  source: z.strictObject({ group: text, version: text, kind: text, plural: text.optional() }),
  pod: z.strictObject({
    image: text,
    command: z.array(z.string()).optional(),
    args: z.array(z.string()).optional(),
    env: z.record(z.string(), z.string()).optional(),
    mountPath: text.optional(),
    ...fixed,
  }),
  /** The container always ends with a report: without one, exit code 0 is not taken for success. */
  reports: z.boolean().optional(),
  maxAttempts: z.int().min(1).optional(),
});
export type ImagePluginDefinition = z.infer<typeof imagePluginSchema>;

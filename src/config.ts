/** The controller's settings, parsed once from flags and environment. */
import * as z from 'zod';
import { populatorPodSettingsSchema } from './api/pod-settings.ts';

const port = z.coerce.number().int().min(0).max(65_535);
const milliseconds = z.coerce.number().int().min(100);

export const configSchema = z.object({
  kubeconfig: z.string().optional(),
  context: z.string().optional(),
  namespaces: z.array(z.string().min(1)).optional(),
  populatorImage: z.string().min(1),
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).optional(),
  populatorPodSettings: populatorPodSettingsSchema.default({}),
  crossNamespace: z.boolean().default(false),
  populatorNamespace: z.string().min(1).default('volprime-populators'),
  passThrough: z.boolean().default(true),
  concurrency: z.coerce.number().int().min(1).max(1000).default(32),
  leaderElect: z.boolean().default(true),
  leaseName: z.string().min(1).default('volprime-controller'),
  leaseNamespace: z.string().min(1).default('volprime-system'),
  leaseDurationMs: milliseconds.default(15_000),
  leaseRenewMs: milliseconds.default(10_000),
  leaseRetryMs: milliseconds.default(2_000),
  sweepIntervalMs: milliseconds.default(600_000),
  sweepDryRun: z.boolean().default(false),
  healthPort: port.default(8081),
  metricsPort: port.default(8080),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  logFormat: z.enum(['json', 'text']).default('json'),
  crashPointDirectory: z.string().min(1).optional(),
});
export type Config = z.infer<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

/** What the plugin remembers of a capture between calls, across restarts of the controller. */
import * as z from 'zod';
import type { PluginState } from '../../sdk/index.ts';

const commandSchema = z.object({
  container: z.string(),
  command: z.array(z.string()).min(1),
  timeoutMs: z.int().min(1),
});
export type HookCommand = z.infer<typeof commandSchema>;

const hookedPodSchema = z.object({
  pod: z.string(),
  podUid: z.string(),
  pre: commandSchema.optional(),
  post: commandSchema.optional(),
});
export type HookedPod = z.infer<typeof hookedPodSchema>;

const captureStateSchema = z.object({
  route: z.enum(['clone', 'live']),
  /** When the clone was first asked for. */
  cloneSince: z.string().optional(),
  cutAt: z.string().optional(),
  /** As the annotations stood when the capture began: recorded before the first command runs, so that the last one runs whatever happens. */
  hooks: z.array(hookedPodSchema).default([]),
  /** `planned`: a command may have run. `held`: all commands before the capture have succeeded. `released`: those after it have run. */
  quiesce: z.enum(['none', 'planned', 'held', 'released']),
});
export type CaptureState = z.infer<typeof captureStateSchema>;

/** Undefined for what this version cannot read: the capture is planned anew. */
export function readState(state: PluginState | undefined): CaptureState | undefined {
  return state === undefined ? undefined : captureStateSchema.safeParse(state).data;
}

/** As JSON: without members that are undefined. */
export function writeState(state: CaptureState): PluginState {
  const json: unknown = JSON.parse(JSON.stringify(state));
  return json as PluginState;
}

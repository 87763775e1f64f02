/**
 * The plugin SDK: what somebody needs who writes a volume populator.
 *
 * Called by plugins, by the populator pod and by the controller that runs plugins. It must not know Kubernetes' API machinery:
 * importing it costs next to nothing, so that it can be loaded in a populator pod.
 */
export { type Foreign, foreign, type Text } from '../api/foreign.ts';
export type { AccessMode, Claim, KubeObject, NewObject, StorageClass, Volume, VolumeMode } from '../api/objects.ts';
export type { PluginPodSettings, SecurityProfile } from '../api/pod-settings.ts';
export { VolprimeError } from '../api/errors.ts';
export { definePlugin } from './define-plugin.ts';
export { defineSnapshotPlugin } from './define-snapshot-plugin.ts';
export { AttemptFailedError, PermanentError, TemporaryError } from './errors.ts';
export { isMarked, type Place } from './marks.ts';
export type * from './plugin.ts';
export type * from './snapshot-plugin.ts';
export {
  lastProgress,
  parsePodReport,
  podReportSchema,
  progressLineSchema,
  type CaptureResult,
  type FailureReport,
  type PodReport,
  type PopulateReport,
  type ProgressLine,
} from './pod-report.ts';

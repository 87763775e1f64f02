/**
 * Snapshots of volumes whose driver has none: their content, captured into a restic repository.
 *
 * The controller imports this file: the plugin and what it asks of its pods. The pods import the execution half, `run.ts`. The plugin knows the
 * cluster by the ports that it is given and no other way.
 */
export { captureIn } from './capture-report.ts';
export type { CapturePorts } from './ports.ts';
export { captureParametersSchema, type CaptureParameters } from './parameters.ts';
export { buildHelperPod, helperPodSettings } from './helper-pod.ts';
export { snapshotCapture } from './plugin.ts';
export { handleOf, keyOfHandle, PLUGIN_NAME } from './task.ts';

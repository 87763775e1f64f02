/**
 * The plugin behind `Provider`: downloads a tar archive and extracts it into the volume.
 *
 * The controller imports this file: the plugin's definition and the task that it hands to the populator pod. The pod imports the
 * execution half, `run.ts`, which is kept out of here so that the controller never loads what dials source URLs or unpacks archives.
 * Neither half knows Kubernetes' API: the plugin sees what the SDK gives it, the execution half a directory and a task.
 */
export { downloadAndExtract } from './plugin.ts';
export { CREDENTIALS_DIR, TASK_VERSION, taskSchema, type Task } from './task.ts';

/**
 * What restores of snapshots need of the cluster: the plugin's way to it, and the end of its hold on VolumeSnapshots, whatever became of a restore.
 *
 * Called by the composition root. It must not know how a restore is done: the records of claims tell what is under way.
 */
export { createRestoreProtectionController } from './controller.ts';
export { restorePorts } from './ports.ts';

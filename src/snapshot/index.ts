/**
 * Takes the place of a csi-snapshotter for the drivers of this controller's snapshot plugins: a VolumeSnapshotContent is captured, told of and
 * deleted by upstream's rules, beside upstream's own snapshot controller.
 *
 * `observe → decide → act → report`, as in `populate`. Called by the composition root only.
 * Must not know the populate and provider rooms, nor what any plugin does.
 */
export { createSnapshotControllers, type SnapshotControllerOptions } from './controller.ts';

/**
 * Registers the source kinds of this controller's plugins as VolumePopulators, where the cluster has that kind: upstream's
 * volume-data-source-validator warns about claims of kinds that nobody registered. Called by the composition root only.
 * Must not know claims and volumes, nor what any plugin does.
 */
export { createRegistrationController, type RegistrationControllerOptions } from './controller.ts';

/**
 * The populate-and-rebind engine: a claim with a data source becomes a populated volume.
 *
 * `observe → decide → act → report`: caches are gathered into one Observation; `decide` is pure and names one Action with its reason;
 * `act` carries it out, idempotently and guarded; `report` tells the user. `sweep` looks for what no event leads back to. Called by the
 * composition root only.
 * Must not know the snapshot and provider rooms, nor what any plugin does.
 */
export type { PopulateConfig } from './context.ts';
export { createPopulateControllers, type PopulateControllerOptions } from './controller.ts';
export { createWrapperController, type WrapperControllerOptions } from './wrapper-controller.ts';
export { settingsProblems } from '../pods/index.ts';

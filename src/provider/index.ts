/**
 * The Provider controller: says in each Provider's status whether its spec can be used. Called by the composition root.
 * Must not know claims and volumes; populating from a Provider is the business of `populate` and of the plugin.
 */
export { createProviderController, type ProviderControllerOptions } from './controller.ts';

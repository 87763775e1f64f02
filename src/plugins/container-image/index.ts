/**
 * Plugins that are only a container image with arguments. Called by the plugin loader.
 * Must not know the controller; what it makes is an ordinary pod plugin.
 */
export { type ImagePluginDefinition, imagePluginSchema } from './definition.ts';
export { imagePlugin } from './plugin.ts';

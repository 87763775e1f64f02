import type { PluginLogger } from '../../src/sdk/index.ts';

/** For what is not about words. */
export const silent: PluginLogger = { debug() {}, info() {}, warn() {}, error() {} };

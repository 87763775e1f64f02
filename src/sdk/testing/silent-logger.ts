import type { PluginLogger } from '../plugin.ts';

/** What a plugin says while it is tried is its own affair. */
export const silentLogger: PluginLogger = { debug() {}, info() {}, warn() {}, error() {} };

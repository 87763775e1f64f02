import { VolprimeError } from '../api/errors.ts';
import type { SnapshotPlugin } from '../sdk/index.ts';
import type { SnapshotPluginFacts } from './observation.ts';

const DEFAULT_POLL_MS = 5_000;
const DEFAULT_CALL_TIMEOUT_MS = 30_000;

export interface RegisteredSnapshotPlugin {
  readonly plugin: SnapshotPlugin;
  readonly facts: SnapshotPluginFacts;
  readonly pollIntervalMs: number;
  readonly callTimeoutMs: number;
}

/** The snapshot plugins of this controller, found by the driver that a content or a class names. */
export class SnapshotPluginRegistry {
  readonly #byDriver = new Map<string, RegisteredSnapshotPlugin>();

  /** @throws VolprimeError `InvalidPlugin` where two plugins serve the same driver. */
  constructor(plugins: readonly SnapshotPlugin[]) {
    for (const plugin of plugins) {
      const taken = this.#byDriver.get(plugin.driver);
      if (taken !== undefined)
        throw new VolprimeError(
          'InvalidPlugin',
          `snapshot plugins ${taken.plugin.name} and ${plugin.name} both serve driver ${plugin.driver}`,
        );
      this.#byDriver.set(plugin.driver, registered(plugin));
    }
  }

  of(driver: string): RegisteredSnapshotPlugin | undefined {
    return this.#byDriver.get(driver);
  }

  all(): readonly RegisteredSnapshotPlugin[] {
    return [...this.#byDriver.values()];
  }
}

function registered(plugin: SnapshotPlugin): RegisteredSnapshotPlugin {
  const { name, driver, handleOf } = plugin;
  return {
    plugin,
    facts: { name, driver, handleOf, hasCleanup: plugin.snapshotCleanup !== undefined },
    pollIntervalMs: plugin.pollIntervalMs ?? DEFAULT_POLL_MS,
    callTimeoutMs: plugin.callTimeoutMs ?? DEFAULT_CALL_TIMEOUT_MS,
  };
}

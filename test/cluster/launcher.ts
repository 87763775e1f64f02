/** Starts components and keeps state.json in step with what runs. Lives as long as one `up`. */
import { assertAlive, type Component, launch, type LaunchTarget, waitUntilReady } from './component.ts';
import { type ClusterState, type ProcessRecord, writeState } from './state.ts';

export class Launcher {
  readonly #target: LaunchTarget;
  #state: ClusterState;

  constructor(target: LaunchTarget, state: ClusterState) {
    this.#target = target;
    this.#state = state;
    writeState(state);
  }

  async start(component: Component): Promise<ProcessRecord> {
    const record = await launch(this.#target, component);
    this.#state = { ...this.#state, processes: [...this.#state.processes, record] };
    writeState(this.#state);
    return record;
  }

  async startAndWait(component: Component): Promise<void> {
    await waitUntilReady(component, await this.start(component));
  }

  /** @throws when a component that was started is gone again. */
  complete(): ClusterState {
    for (const record of this.#state.processes) assertAlive(record);
    this.#state = { ...this.#state, complete: true };
    writeState(this.#state);
    return this.#state;
  }
}

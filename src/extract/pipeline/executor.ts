/** What executes commands, by the kind of target. */
import type { Job } from '../job.ts';
import { DeviceExecutor } from '../write/device-executor.ts';
import type { TreeCommands } from '../write/tree-commands.ts';
import { TreeExecutor } from '../write/tree-executor.ts';

/** Executes commands, and counts the files that gave way to others. */
export interface Executor extends TreeCommands, Disposable {
  readonly replaced: number;
}

export function openExecutor({ target, onExisting }: Job, root: string): Executor {
  if (target.kind === 'device') return new DeviceExecutor(root);
  return new TreeExecutor({ root, merge: onExisting === 'merge' || target.prior === 'foreign' });
}

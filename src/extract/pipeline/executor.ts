/** What plans and what executes, by the kind of target. */
import type { Notes } from '../entries/notes.ts';
import type { Job } from '../job.ts';
import { DeviceExecutor } from '../write/device-executor.ts';
import type { TreeCommands } from '../write/tree-commands.ts';
import { TreeExecutor } from '../write/tree-executor.ts';
import { TreePlanner } from '../write/tree-planner.ts';

/** Executes commands, and counts the files that gave way to others. */
export interface Executor extends TreeCommands, Disposable {
  readonly replaced: number;
}

export function openExecutor({ target, onExisting }: Job, root: string): Executor {
  if (target.kind === 'device') return new DeviceExecutor(root);
  return new TreeExecutor({ root, merge: onExisting === 'merge' });
}

export function planner({ ownership, modes }: Job, commands: TreeCommands, notes: Notes): TreePlanner {
  return new TreePlanner(commands, { ownership, modes, notes });
}

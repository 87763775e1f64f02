/** The execution half of the plugin, run by the populator pod: one restore task in, one result out. */
import type { PopulationResult } from '../../api/population.ts';
import type { RestoreOptions } from './make-room.ts';
import { restoreFromRepository } from './from-repository.ts';
import { restoreFromVolume } from './from-volume.ts';
import type { RestoreTask } from './task.ts';

/**
 * A result is returned only once the target is complete, flushed and, where the task says so, read again and found to be what the snapshot holds.
 *
 * @throws VolprimeError with the stable code of what failed, PermanentError where no later attempt can do better.
 */
export async function runTask(task: RestoreTask, options: RestoreOptions): Promise<PopulationResult> {
  const startedAt = performance.now();
  const { from } = task;
  const restored =
    from.type === 'repository'
      ? await restoreFromRepository(task, from.key, options)
      : await restoreFromVolume(task, from.place, options);
  return {
    ...restored,
    verification: task.verify ? 'manifest' : 'none',
    durationMs: Math.round(performance.now() - startedAt),
  };
}

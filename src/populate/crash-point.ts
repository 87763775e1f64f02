import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { ANNOTATION_CRASH_AT } from '../api/names.ts';
import type { ActionType } from './action.ts';
import type { StepContext } from './context.ts';
import type { Observation } from './observation.ts';

/**
 * Kills this process (SIGKILL) right before or after a step, for tests of crash safety. Off unless the controller was started with a
 * crash point directory and the claim names the point in an annotation, for example `before-Rebind`. The mark left in the directory
 * proves that the point was hit, and keeps the next process from dying there again.
 */
export function crashPoint(context: StepContext, o: Observation, moment: 'before' | 'after', action: ActionType): void {
  const directory = context.config.crashPointDirectory;
  const point = `${moment}-${action}`;
  // The last step of a cancellation comes when the claim is gone: its point stands on the record.
  const wanted = (o.claim ?? o.population)?.metadata.annotations?.[ANNOTATION_CRASH_AT];
  if (directory === undefined || wanted !== point) return;
  const mark = join(directory, `${o.uid}-${point}`);
  if (existsSync(mark)) return;
  const file = openSync(mark, 'w');
  fsyncSync(file);
  closeSync(file);
  process.kill(process.pid, 'SIGKILL');
}

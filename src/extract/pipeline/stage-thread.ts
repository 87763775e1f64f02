/** Entry of a worker thread: runs the stage that it is given and tells how it ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { RingStoppedError } from '../ring/slot-ring.ts';
import type { StageAnswer, StageTask } from './protocol.ts';
import { decode, write } from './stages.ts';
import { toThrown } from './thrown.ts';

async function answer(task: StageTask): Promise<StageAnswer> {
  try {
    return { outcome: 'done', report: task.stage === 'decode' ? await decode(task) : write(task) };
  } catch (error) {
    return error instanceof RingStoppedError ? { outcome: 'stopped' } : { outcome: 'failed', thrown: toThrown(error) };
  }
}

// Waiting for a ring does not keep a thread alive by itself.
const alive = setInterval(() => undefined, 2 ** 30);
const ended = await answer(workerData);
clearInterval(alive);
// Nothing is transferred: what is large lies in shared memory.
parentPort?.postMessage(ended, []);

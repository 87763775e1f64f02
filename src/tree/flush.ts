/** Everything of a file system on stable storage: one `sync -f` (syncfs(2)), which also reports the write-back errors that nobody has seen. */
import { AttemptFailedError } from '../sdk/errors.ts';
import { runProgram } from './program.ts';
import { volumeFull } from './tree-errors.ts';

/** @throws AttemptFailedError `FlushFailed`, PermanentError `VolumeFull` */
export async function flushTree(root: string, signal: AbortSignal): Promise<void> {
  const { code, complaint } = await runProgram({ file: 'sync', args: ['-f', root], signal });
  if (code === 0) return;
  if (/No space left|quota exceeded/i.test(complaint)) throw volumeFull();
  throw new AttemptFailedError('FlushFailed', `Flushing the volume failed: ${complaint}.`);
}

/**
 * Snapshots of volumes that are directories on a file server: each is a copy beside them. The export is mounted in the controller's pod.
 *
 * `<root>/volumes/<PersistentVolume>` is the data, `<root>/snapshots/<key>` a finished copy, `<root>/snapshots/<key>.partial` one under way.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AttemptFailedError, defineSnapshotPlugin, PermanentError, type SnapshotPlugin } from 'volprime';
import * as z from 'zod';

export const DRIVER = 'directory.snapshot.example.com';

const PREFIX = 'directory:';
const keyPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** A copy that this process has begun. It says how it ended once it has. */
interface Copy {
  readonly abort: AbortController;
  readonly over: Promise<void>;
  failure: string | undefined;
}

export function directorySnapshots(root: string): SnapshotPlugin {
  const copies = new Map<string, Copy>();
  const finished = (key: string) => join(root, 'snapshots', key);
  const partial = (key: string) => join(root, 'snapshots', `${key}.partial`);

  async function copy(key: string, volume: string, abort: AbortController): Promise<void> {
    await rm(partial(key), { recursive: true, force: true });
    await mkdir(partial(key), { recursive: true });
    const args = ['--archive', '--hard-links', `${join(root, 'volumes', volume)}/`, partial(key)];
    const child = spawn('rsync', args, { signal: abort.signal, stdio: ['ignore', 'ignore', 'pipe'] });
    const words: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => words.push(text));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`rsync ended with ${code}: ${words.join('').trim()}`);
    // Only a whole copy has this name.
    await rename(partial(key), finished(key));
  }

  return defineSnapshotPlugin({
    name: 'directory-snapshots',
    driver: DRIVER,
    parameters: z.strictObject({}),
    pollIntervalMs: 1_000,
    handleOf: (key) => `${PREFIX}${key}`,

    async snapshot({ key, source, signal }) {
      const done = await exists(finished(key));
      // Whoever was told to stop meanwhile begins nothing: the snapshot may be deleted by now.
      signal.throwIfAborted();
      const known = copies.get(key);
      if (done !== undefined || (known !== undefined && known.failure === undefined)) return { handle: PREFIX + key };
      const abort = new AbortController();
      const running: Copy = {
        abort,
        over: copy(key, source.volume, abort).then(
          () => void copies.delete(key),
          (error: unknown) => {
            running.failure = String(error);
          },
        ),
        failure: undefined,
      };
      copies.set(key, running);
      return { handle: PREFIX + key };
    },

    async snapshotComplete({ handle, source }) {
      const key = keyOf(handle);
      const running = copies.get(key);
      const done = await exists(finished(key));
      if (done !== undefined)
        return {
          ready: true,
          cutAt: done,
          ...(source?.capacityBytes !== undefined && { restoreSize: source.capacityBytes }),
        };
      if (source === undefined)
        throw new PermanentError('SnapshotNotFound', `there is no copy with the handle ${handle}`);
      if (running === undefined)
        throw new AttemptFailedError('CopyLost', 'the copy ended with the process that made it');
      if (running.failure !== undefined) throw new AttemptFailedError('CopyFailed', running.failure);
      return { ready: false };
    },

    async snapshotDelete({ handle }) {
      const key = keyOf(handle);
      await end(key);
      await rm(finished(key), { recursive: true, force: true });
      return true;
    },

    async snapshotCleanup({ key }) {
      if (keyPattern.test(key)) await end(key);
    },
  });

  /** No copy runs any more, and nothing half-made is left. */
  async function end(key: string): Promise<void> {
    const running = copies.get(key);
    running?.abort.abort();
    await running?.over;
    copies.delete(key);
    await rm(partial(key), { recursive: true, force: true });
  }
}

/** A content made by hand can hold any handle: it must not lead out of the directory. */
function keyOf(handle: string): string {
  const key = handle.slice(PREFIX.length);
  if (handle.startsWith(PREFIX) && keyPattern.test(key)) return key;
  throw new PermanentError('SnapshotNotFound', `${handle} is no handle of ${DRIVER}`);
}

/** When it was made whole; undefined where it is not there. An export that cannot be read is another matter: the snapshot may well be there. */
async function exists(path: string): Promise<Date | undefined> {
  try {
    return (await stat(path)).ctime;
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Loaded by path: the export's place comes from the environment. */
export const snapshotPlugin = directorySnapshots(process.env['VOLPRIME_DIRECTORY_ROOT'] ?? '/export');

/**
 * Starts writing to the disk what is in the page cache of a device while more of it comes. The kernel itself waits until a tenth of the
 * memory is dirty, or half a minute: an image of some GiB would go to the disk only at the end, while nothing else is left to do.
 *
 * It proves nothing: that all of it arrived is known from the fsync of whoever wrote, whose own descriptor is told of every failure.
 */
import { closeSync, fdatasync, openSync } from 'node:fs';

/** A flush tells the disk to empty its own cache, too: not too often. */
const PAUSE_MS = 100;

/** @returns disposed of, it ends after the call that is under way. @throws Error of the system where the device cannot be opened. */
export function writeBackDevice(path: string): Disposable {
  const fd = openSync(path, 'r');
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  const again = () => {
    timer = undefined;
    fdatasync(fd, () => {
      if (ended) closeSync(fd);
      else timer = setTimeout(again, PAUSE_MS);
    });
  };
  again();
  return {
    [Symbol.dispose]() {
      ended = true;
      if (timer === undefined) return;
      clearTimeout(timer);
      closeSync(fd);
    },
  };
}

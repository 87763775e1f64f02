/**
 * Makes a block device read as zeros ahead of what is written, where the device does that by itself: zeros of an image then need not be
 * written, and a thin volume stays thin.
 *
 * It is the kernel's promise and not a guess: FALLOC_FL_PUNCH_HOLE on a device fails where it would have to write the zeros itself, and
 * else the range reads as zeros from then on. (What reads as zeros without that may be what nobody has written yet, and an LVM thin pool
 * can bring up somebody's old data there once its neighbourhood is written.)
 */
import { spawnSync } from 'node:child_process';

/** How far beyond the end of an image a device is asked to go at most; a device of terabytes takes its time. */
const STRIDE = 4 * 1024 ** 3;

export class DeviceZeros {
  readonly #path: string;
  /** Of the device; 0 where it does not help. */
  #size: number;
  /** Everything from where the image is being written to here reads as zeros. */
  #end = 0;

  /** @param size bytes of the device; undefined where that is not known. */
  constructor(path: string, size: number | undefined) {
    this.#path = path;
    this.#size = size ?? 0;
  }

  /**
   * To be called before each write, in order.
   * @param end of what will be written.
   * @returns whether all of it reads as zeros until then.
   */
  reach(end: number): boolean {
    while (this.#end < end && this.#end < this.#size) {
      const length = Math.min(STRIDE, this.#size - this.#end);
      const range = ['--offset', String(this.#end), '--length', String(length)];
      const env = { PATH: process.env['PATH'] };
      const { status } = spawnSync('fallocate', ['--punch-hole', ...range, this.#path], { env, stdio: 'ignore' });
      if (status === 0) this.#end += length;
      // Not every device can, and not every machine has the program.
      else this.#size = 0;
    }
    return end <= this.#end;
  }
}

/** The sha256 of a file's content. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Pause } from './pause.ts';

const PIECE = 1024 * 1024;

/** Hashes one file after the other; holds the memory to read into. */
export class FileHasher {
  readonly #pause: Pause;
  readonly #piece = Buffer.allocUnsafe(PIECE);

  constructor(pause: Pause) {
    this.#pause = pause;
  }

  /** @returns lower-case hexadecimal digits. No link is followed. @throws what the system says. */
  async hash(path: Buffer): Promise<string> {
    // Not to wait for ever, should a pipe have taken the file's place.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const hash = createHash('sha256');
      if (!fstatSync(fd).isFile()) return hash.digest('hex');
      for (;;) {
        const length = readSync(fd, this.#piece, 0, PIECE, null);
        if (length > 0) hash.update(this.#piece.subarray(0, length));
        // The end is where nothing comes: a file may be larger than it said.
        else return hash.digest('hex');
        if (this.#pause.isDue) await this.#pause.take();
      }
    } finally {
      closeSync(fd);
    }
  }
}

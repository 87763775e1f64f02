/**
 * Writes an image onto a block device from its first byte on. To the planner it is a tree of one file.
 *
 * What the device held before shows through nowhere: zeros are written too, unless the device reads as zeros already by its own promise.
 */
import { closeSync, constants, fstatSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { PermanentError } from '../../sdk/errors.ts';
import { codeOf } from '../error-code.ts';
import { isZero } from '../entries/tar-header.ts';
import { deviceSize } from './block-device.ts';
import { DeviceZeros } from './device-zeros.ts';
import { busy } from './target-lock.ts';
import type { TreeCommands } from './tree-commands.ts';
import { volumeError } from './volume-error.ts';

/** Of a block device, O_EXCL without O_CREAT claims it: refused where it is mounted, or another one has claimed it (open(2)). */
const EXCLUSIVELY = constants.O_WRONLY | constants.O_EXCL;

export class DeviceExecutor implements TreeCommands, Disposable {
  readonly #path: string;
  readonly replaced = 0;
  #fd: number | undefined;
  #zeros: DeviceZeros | undefined;
  #written = 0;

  constructor(path: string) {
    this.#path = path;
  }

  createFile(): void {
    try {
      this.#fd = openSync(this.#path, EXCLUSIVELY);
      this.#zeros = new DeviceZeros(this.#path, deviceSize(fstatSync(this.#fd)));
    } catch (cause) {
      throw codeOf(cause) === 'EBUSY' ? busy(this.#path) : volumeError(this.#path, cause);
    }
  }

  write(bytes: Buffer): void {
    const fd = this.#opened();
    const start = this.#written;
    this.#written += bytes.length;
    if (this.#zeros?.reach(this.#written) === true && isZero(bytes)) return;
    try {
      for (let offset = 0; offset < bytes.length; ) {
        offset += writeSync(fd, bytes, offset, bytes.length - offset, start + offset);
      }
    } catch (cause) {
      throw codeOf(cause) === 'ENOSPC' ? imageTooLarge(this.#path) : volumeError(this.#path, cause);
    }
  }

  closeFile(): void {
    const fd = this.#opened();
    try {
      fsyncSync(fd);
      this.#fd = undefined;
      closeSync(fd);
    } catch (cause) {
      throw volumeError(this.#path, cause);
    }
  }

  makeDirectory(): never {
    throw notATree();
  }

  setAttributes(): never {
    throw notATree();
  }

  setMode(): never {
    throw notATree();
  }

  hardLink(): never {
    throw notATree();
  }

  symbolicLink(): never {
    throw notATree();
  }

  finishDirectory(): never {
    throw notATree();
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #opened(): number {
    if (this.#fd === undefined) throw new Error('the device is not open');
    return this.#fd;
  }
}

export function imageTooLarge(path: string): PermanentError {
  const message = `The image is larger than the device ${path}. Ask for more storage in the claim.`;
  return new PermanentError('VolumeFull', message);
}

function notATree(): Error {
  return new Error('a device holds no tree');
}

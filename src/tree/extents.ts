/**
 * Block devices, in pieces of EXTENT_BYTES: pieces of nothing but zeros are neither described nor written where zeros are already, so that thin
 * volumes stay thin.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { AttemptFailedError, PermanentError } from '../sdk/errors.ts';
import type { Extent, ManifestRecord, Totals } from './manifest.ts';
import { Pause } from './pause.ts';
import { sourceUnreadable, targetFailed, volumeFull } from './tree-errors.ts';

export const EXTENT_BYTES = 4 * 1024 * 1024;

const ZEROS = Buffer.alloc(EXTENT_BYTES);

/** @throws PermanentError `InvalidTarget` */
export function requireDevice(path: string): void {
  const isDevice = statSync(path, { throwIfNoEntry: false })?.isBlockDevice() ?? false;
  if (!isDevice) throw new PermanentError('InvalidTarget', `${path} is not a block device.`);
}

/**
 * The content of a device from its first byte to its last, all pieces but the last of EXTENT_BYTES. A piece is good until the next one is asked
 * for. @throws VolprimeError `SourceUnreadable`
 */
export async function* readDevice(path: string, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const pause = new Pause(signal);
  const memory = Buffer.allocUnsafe(EXTENT_BYTES);
  const fd = attempt(() => openSync(path, 'r'), sourceUnreadable);
  try {
    for (let at = 0; ; ) {
      const length = attempt(() => readFully(fd, memory, at), sourceUnreadable);
      if (length === 0) return;
      yield memory.subarray(0, length);
      at += length;
      if (pause.isDue) await pause.take();
    }
  } finally {
    closeSync(fd);
  }
}

/** Pieces of any length as pieces of EXTENT_BYTES. One is good until the next one is asked for. */
export async function* inExtents(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const memory = Buffer.allocUnsafe(EXTENT_BYTES);
  let length = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const taken = piece.copy(memory, length, at);
      at += taken;
      length += taken;
      if (length < EXTENT_BYTES) continue;
      yield memory;
      length = 0;
    }
  }
  if (length > 0) yield memory.subarray(0, length);
}

/**
 * Makes the device hold these bytes, and zeros behind them; flushed when it returns.
 * @param extents pieces of EXTENT_BYTES.
 * @throws PermanentError `VolumeFull` where the device is too small, VolprimeError `VolumeWriteFailed`
 */
export async function writeDevice(
  path: string,
  extents: AsyncIterable<Buffer>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const fail = (cause: unknown) => targetFailed(cause, path);
  const fd = attempt(() => openSync(path, 'r+'), fail);
  try {
    const memory = Buffer.allocUnsafe(EXTENT_BYTES);
    let at = 0;
    for await (const extent of extents) {
      attempt(() => writeWhereOther(fd, extent, memory, at), fail);
      at += extent.length;
      onBytes(extent.length);
    }
    for (;;) {
      const length = attempt(() => readFully(fd, memory, at), fail);
      if (length === 0) break;
      if (!isZero(memory.subarray(0, length))) attempt(() => writeFully(fd, ZEROS.subarray(0, length), at), fail);
      at += length;
    }
    attempt(() => fsyncSync(fd), fail);
  } finally {
    closeSync(fd);
  }
}

/** Zeros have no description. */
export function describeExtent(index: number, piece: Buffer): Extent | undefined {
  if (isZero(piece)) return undefined;
  const { length } = piece;
  return { index, sha256: sha256Of(piece), ...(length < EXTENT_BYTES && { length }) };
}

/**
 * Reads all of it: what the manifest says, and zeros where it says nothing.
 * @param pieces of EXTENT_BYTES, the last one may be shorter. They may go on behind the end of what the manifest describes, with zeros.
 * @throws AttemptFailedError `DataMismatch` naming the place; what reading the manifest throws.
 */
export async function compareExtents(
  pieces: AsyncIterable<Buffer>,
  records: AsyncIterable<ManifestRecord>,
  onBytes: (bytes: number) => void,
): Promise<Totals> {
  const expected = new ExpectedExtents(records);
  try {
    let index = 0;
    let bytes = 0;
    for await (const piece of pieces) {
      if (!agrees(piece, await expected.at(index))) throw mismatch(index);
      index++;
      bytes += piece.length;
      onBytes(piece.length);
    }
    // Where the device ends, which may be within a piece: there the first byte is missing, if one is.
    const end = Math.floor(bytes / EXTENT_BYTES);
    const totals = await expected.finish(end);
    if (bytes < totals.bytes) throw mismatch(end);
    return totals;
  } finally {
    await expected.close();
  }
}

function agrees(piece: Buffer, expected: Extent | undefined): boolean {
  if (expected === undefined) return isZero(piece);
  const { length = EXTENT_BYTES } = expected;
  return sha256Of(piece.subarray(0, length)) === expected.sha256 && isZero(piece.subarray(length));
}

class ExpectedExtents {
  readonly #records: AsyncIterator<ManifestRecord>;
  #next: Extent | undefined;
  #totals: Totals | undefined;

  constructor(records: AsyncIterable<ManifestRecord>) {
    this.#records = records[Symbol.asyncIterator]();
  }

  /** To be asked in ascending order. */
  async at(index: number): Promise<Extent | undefined> {
    if (this.#next === undefined) await this.#step();
    if (this.#next?.index !== index) return undefined;
    const found = this.#next;
    this.#next = undefined;
    return found;
  }

  /** @throws AttemptFailedError `DataMismatch` where there is one that nobody has asked for. */
  async finish(index: number): Promise<Totals> {
    if ((await this.at(index)) !== undefined || this.#next !== undefined) throw mismatch(index);
    // To the end, so that whoever reads the manifest sees that it is whole.
    for (let next = await this.#records.next(); next.done !== true; next = await this.#records.next());
    if (this.#totals === undefined) throw new Error('a manifest that is whole has an end');
    return this.#totals;
  }

  async close(): Promise<void> {
    await this.#records.return?.();
  }

  async #step(): Promise<void> {
    while (this.#next === undefined && this.#totals === undefined) {
      const { value: record } = await this.#records.next();
      if (record === undefined) return;
      if (record.type === 'extent') this.#next = record.extent;
      if (record.type === 'end') this.#totals = record.totals;
    }
  }
}

function writeWhereOther(fd: number, wanted: Buffer, memory: Buffer, at: number): void {
  const length = readFully(fd, memory.subarray(0, wanted.length), at);
  if (length === wanted.length && memory.subarray(0, length).equals(wanted)) return;
  writeFully(fd, wanted, at);
}

function writeFully(fd: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; ) {
    const written = writeSync(fd, bytes, done, bytes.length - done, at + done);
    // Behind the end of a device some kernels write nothing and say nothing.
    if (written === 0) throw volumeFull();
    done += written;
  }
}

/** @returns fewer bytes than asked for only at the end. */
function readFully(fd: number, into: Buffer, at: number): number {
  let done = 0;
  while (done < into.length) {
    const length = readSync(fd, into, done, into.length - done, at + done);
    if (length === 0) break;
    done += length;
  }
  return done;
}

function isZero(piece: Buffer): boolean {
  return piece.equals(ZEROS.subarray(0, piece.length));
}

function sha256Of(piece: Buffer): string {
  return createHash('sha256').update(piece).digest('hex');
}

function attempt<T>(call: () => T, asError: (cause: unknown) => unknown): T {
  try {
    return call();
  } catch (cause) {
    throw asError(cause);
  }
}

function mismatch(index: number): AttemptFailedError {
  const at = index * EXTENT_BYTES;
  const message = `What was written is not what the snapshot holds: the 4 MiB from byte ${at} of the device differ.`;
  return new AttemptFailedError('DataMismatch', message);
}

/**
 * The handle behind Node's zlib streams, for synchronous calls right into the caller's memory. It is not part of Node's public interface
 * (docs/decisions/0019): whoever opens it has first tried on known bytes whether it does what is expected of it.
 */
import { isUint32Array } from 'node:util/types';
import type { Gunzip, InflateRaw, ZstdDecompress } from 'node:zlib';

/** As far as it is used. */
export interface ZlibHandle {
  writeSync(
    flush: number,
    input: Buffer,
    inputOffset: number,
    inputLength: number,
    output: Buffer,
    outputOffset: number,
    outputLength: number,
  ): void;
  /** Makes it ready for another stream of bytes. */
  reset(): void;
}

export interface OpenHandle {
  readonly handle: ZlibHandle;
  /** Two words that each call sets: room left in the output, bytes left of the input. */
  readonly state: Uint32Array;
}

/** The stream around the handle never gets a byte: its own buffer is as small as may be. */
export const UNUSED_CHUNK = 64;

/**
 * @param onError called by the handle where a call fails.
 * @throws TypeError where this Node has no such handle.
 */
export function openHandle(
  stream: Gunzip | InflateRaw | ZstdDecompress,
  onError: (message: string, errno: number, code: string) => void,
): OpenHandle {
  const handle: unknown = Reflect.get(stream, '_handle');
  const state: unknown = Reflect.get(stream, '_writeState');
  if (!isHandle(handle) || !isUint32Array(state)) throw new TypeError('zlib streams have no handle');
  Object.assign(handle, { onerror: onError });
  return { handle, state };
}

function isHandle(value: unknown): value is ZlibHandle {
  return typeof value === 'object' && value !== null && 'writeSync' in value && 'reset' in value;
}

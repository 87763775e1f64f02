/**
 * Inflates members of zip archives, one after the other, with synchronous calls of the handle behind Node's zlib streams. The handle is
 * not part of Node's public interface; so it is tried on known bytes before anything depends on it. There is no other way in Node to
 * inflate a stream piece by piece without leaving the thread's turn: where the handle is missing, compressed zip archives are refused.
 */
import { isUint32Array } from 'node:util/types';
import { createInflateRaw, createZstdDecompress, deflateRawSync } from 'node:zlib';
import { PermanentError } from '../../sdk/errors.ts';
import { corrupt } from '../entries/tar-header.ts';

export type MemberCodec = 'deflate' | 'zstd';

/** As far as it is used; it calls its property `onerror` where it fails. The two words of `state` are set by each call: room left in the output, bytes left of the input. */
interface Handle {
  writeSync(
    flush: number,
    input: Buffer,
    inputOffset: number,
    inputLength: number,
    output: Buffer,
    outputOffset: number,
    outputLength: number,
  ): void;
  reset(): void;
}

/** Z_NO_FLUSH and ZSTD_e_continue. */
const CONTINUE = 0;
const OUTPUT_SIZE = 256 * 1024;
/** The stream around the handle never gets a byte: its own buffer is as small as may be. */
const UNUSED_CHUNK = 64;

export class MemberInflate implements Disposable {
  readonly #codec: MemberCodec;
  readonly #stream: ReturnType<typeof createStream>;
  readonly #handle: Handle;
  readonly #state: Uint32Array;
  readonly #output = Buffer.allocUnsafeSlow(OUTPUT_SIZE);
  #failure: string | undefined;

  /** @throws TypeError where this Node has no such handle. */
  constructor(codec: MemberCodec) {
    this.#codec = codec;
    this.#stream = createStream(codec);
    const handle: unknown = Reflect.get(this.#stream, '_handle');
    const state: unknown = Reflect.get(this.#stream, '_writeState');
    if (!isHandle(handle) || !isUint32Array(state)) throw new TypeError('zlib streams have no handle');
    const onError = (message: string) => {
      this.#failure = message;
    };
    Object.assign(handle, { onerror: onError });
    this.#handle = handle;
    this.#state = state;
  }

  /** Makes it ready for another member. */
  reset(): void {
    this.#handle.reset();
  }

  /**
   * Takes input up to the end of the member.
   * @param emit gets what comes out; the memory is reused.
   * @returns where the input that it did not take begins: before `to`, the member has ended.
   * @throws PermanentError `ArchiveCorrupt`.
   */
  write(input: Buffer, from: number, to: number, emit: (bytes: Buffer) => void): number {
    let at = from;
    for (;;) {
      this.#handle.writeSync(CONTINUE, input, at, to - at, this.#output, 0, OUTPUT_SIZE);
      if (this.#failure !== undefined) throw corrupt(`its ${this.#codec} data is not valid (${this.#failure})`);
      const [room = 0, left = 0] = this.#state;
      at = to - left;
      if (room < OUTPUT_SIZE) emit(this.#output.subarray(0, OUTPUT_SIZE - room));
      // With room in the output and input left, the codec would have gone on: this is the end. Without either, there may be more.
      if (room > 0) return at;
    }
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }
}

/** @throws PermanentError `UnsupportedEntry` where this Node lacks the handle, or it does not do what is expected of it. */
export function openMemberInflate(codec: MemberCodec): MemberInflate {
  if (!handleWorks()) {
    throw new PermanentError('UnsupportedEntry', `Compressed zip archives cannot be read by Node ${process.version}.`);
  }
  return new MemberInflate(codec);
}

function handleWorks(): boolean {
  const content = Buffer.from('volprime');
  const packed = Buffer.concat([deflateRawSync(content), content]);
  try {
    using inflate = new MemberInflate('deflate');
    return [1, 2].every(() => {
      const pieces: Buffer[] = [];
      inflate.reset();
      const end = inflate.write(packed, 0, packed.length, (bytes) => void pieces.push(Buffer.from(bytes)));
      return end === packed.length - content.length && content.equals(Buffer.concat(pieces));
    });
  } catch {
    return false;
  }
}

function createStream(codec: MemberCodec) {
  return codec === 'deflate'
    ? createInflateRaw({ chunkSize: UNUSED_CHUNK })
    : createZstdDecompress({ chunkSize: UNUSED_CHUNK });
}

function isHandle(value: unknown): value is Handle {
  return typeof value === 'object' && value !== null && 'writeSync' in value && typeof value.writeSync === 'function';
}

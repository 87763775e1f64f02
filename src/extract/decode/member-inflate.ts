/**
 * Inflates members of zip archives, one after the other, piece by piece, with synchronous calls of the handle behind Node's zlib streams.
 * There is no other way in Node to do that without leaving the thread's turn: where the handle is missing, compressed zip archives are
 * refused.
 */
import { createInflateRaw, createZstdDecompress, deflateRawSync } from 'node:zlib';
import { PermanentError } from '../../sdk/errors.ts';
import { corrupt } from '../entries/tar-header.ts';
import { type OpenHandle, openHandle, UNUSED_CHUNK } from './zlib-handle.ts';

export type MemberCodec = 'deflate' | 'zstd';

/** Z_NO_FLUSH and ZSTD_e_continue. */
const CONTINUE = 0;
const OUTPUT_SIZE = 256 * 1024;
export class MemberInflate implements Disposable {
  readonly #codec: MemberCodec;
  readonly #stream: ReturnType<typeof createStream>;
  readonly #open: OpenHandle;
  readonly #output = Buffer.allocUnsafeSlow(OUTPUT_SIZE);
  #failure: string | undefined;

  /** @throws TypeError where this Node has no such handle. */
  constructor(codec: MemberCodec) {
    this.#codec = codec;
    this.#stream = createStream(codec);
    this.#open = openHandle(this.#stream, (message) => {
      this.#failure = message;
    });
  }

  /** Makes it ready for another member. */
  reset(): void {
    this.#open.handle.reset();
  }

  /**
   * Takes input up to the end of the member.
   * @param emit gets what comes out; the memory is reused.
   * @returns where the input that it did not take begins: before `to`, the member has ended.
   * @throws PermanentError `ArchiveCorrupt`.
   */
  write(input: Buffer, from: number, to: number, emit: (bytes: Buffer) => void): number {
    const { handle, state } = this.#open;
    let at = from;
    for (;;) {
      handle.writeSync(CONTINUE, input, at, to - at, this.#output, 0, OUTPUT_SIZE);
      if (this.#failure !== undefined) throw corrupt(`its ${this.#codec} data is not valid (${this.#failure})`);
      const [room = 0, left = 0] = state;
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

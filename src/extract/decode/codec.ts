/** What the decompressors of Node have in common, and where they differ. */
import { constants, createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { AttemptFailedError } from '../../sdk/errors.ts';
import { codeOf } from '../error-code.ts';
import { corrupt } from '../entries/tar-header.ts';

export type Codec = 'gzip' | 'zstd';

/** Both go on by themselves with the next member or frame, and stop at zeros that follow the last one. */
export function createDecompressor(codec: Codec, chunkSize: number): Gunzip | ZstdDecompress {
  return codec === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
}

/** Says to the decoder that nothing follows, so that it tells whether it is done. */
export const finishFlag: Readonly<Record<Codec, number>> = { gzip: constants.Z_FINISH, zstd: constants.ZSTD_e_end };
export const continueFlag: Readonly<Record<Codec, number>> = {
  gzip: constants.Z_NO_FLUSH,
  zstd: constants.ZSTD_e_continue,
};

/** @returns SourceTruncated where the stream ends early, ArchiveCorrupt for the codec's other complaints, everything else as it is. */
export function codecError(codec: Codec, error: unknown): unknown {
  const code = codeOf(error);
  if (code === 'Z_BUF_ERROR') {
    return new AttemptFailedError('SourceTruncated', `The ${codec} stream ends before its end marker.`, {
      cause: error,
    });
  }
  // The codec's own words ("incorrect data check") name what is wrong.
  const ours = code?.startsWith('Z_') === true || code?.startsWith('ZSTD_') === true;
  return ours ? corrupt(`its ${codec} stream is not valid (${String(error)})`) : error;
}

export function dataBehind(codec: Codec): Error {
  return corrupt(`data follows its ${codec} stream`);
}

/** Tells about once a second how far a population is. */
import type { PopulationProgress } from '../api/population.ts';

export type Progress = Omit<PopulationProgress, 'updatedAt'>;

export interface Counted {
  /** Downloaded so far. */
  readonly bytes: number;
  /** Of the whole download, where that is known. */
  readonly length: number | undefined;
  readonly files: number;
}

const INTERVAL_MS = 1000;

/** Until it is disposed of. */
export function reportProgress(look: () => Counted, onProgress: (progress: Progress) => void): Disposable {
  const timer = setInterval(() => onProgress(progressOf(look())), INTERVAL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function progressOf({ bytes, length, files }: Counted): Progress {
  return {
    bytesDone: bytes,
    ...(length !== undefined && { bytesTotal: length }),
    ...(length !== undefined && length > 0 && { percent: Math.floor((Math.min(bytes, length) * 100) / length) }),
    files,
  };
}

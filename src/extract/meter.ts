/** Counts and hashes the archive on its way, and tells once a second how far it is. */
import { createHash } from 'node:crypto';
import type { PopulationProgress } from '../api/population.ts';

export type Progress = Omit<PopulationProgress, 'updatedAt'>;

export interface Meter {
  bytes(): number;
  /** "sha256:…" of everything that passed. */
  digest(): string;
  setFiles(files: number): void;
  measure(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer>;
  [Symbol.dispose](): void;
}

const INTERVAL_MS = 1000;

/** @param length bytes to come, where that is known. */
export function createMeter(length: number | undefined, onProgress: (progress: Progress) => void): Meter {
  const hash = createHash('sha256');
  let bytes = 0;
  let files = 0;
  const report = () =>
    onProgress({
      bytesDone: bytes,
      ...(length !== undefined && { bytesTotal: length }),
      ...(length !== undefined && length > 0 && { percent: Math.floor((Math.min(bytes, length) * 100) / length) }),
      files,
    });
  const timer = setInterval(report, INTERVAL_MS);
  return {
    bytes: () => bytes,
    digest: () => `sha256:${hash.digest('hex')}`,
    setFiles: (count) => {
      files = count;
    },
    async *measure(chunks) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
        yield chunk;
      }
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

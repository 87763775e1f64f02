/** What the main thread feeds bodies into. */
import type { ByteSource } from '../source/source.ts';
import type { StageReport } from './protocol.ts';

export interface Pipeline extends AsyncDisposable {
  /** Files so far. */
  readonly files: number;
  /**
   * Takes one body, from its first byte to its last: that of the job's next layer.
   * @param onBytes sees the bytes as they come, before their memory is used again.
   * @throws the first failure of whichever stage.
   */
  feed(source: ByteSource, onBytes: (bytes: Buffer) => void): Promise<void>;
  /** After the last layer: returns once everything is written. */
  finish(): Promise<StageReport>;
}

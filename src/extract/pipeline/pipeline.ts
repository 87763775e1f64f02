/** What the main thread feeds bodies into. */
import type { ByteSource } from '../source/source.ts';
import type { StageReport } from './protocol.ts';

/** What came of all layers together. */
export interface PipelineReport extends Omit<StageReport, 'digests'> {
  /** Of each layer's body as downloaded, in the job's order. */
  readonly digests: readonly string[];
}

export interface Pipeline extends AsyncDisposable {
  /** Files so far. */
  readonly files: number;
  /**
   * Takes one body, from its first byte to its last: that of the job's next layer.
   * @throws the first failure of whichever stage.
   */
  feed(source: ByteSource): Promise<void>;
  /** After the last layer: returns once everything is written. */
  finish(): Promise<PipelineReport>;
}

/** A manifest from its header to its end, while the lines between them stay on disk. */
import { encodeRecord, type ManifestHeader, type Totals } from './manifest.ts';

export interface Manifest {
  readonly totals: Totals;
  /** Bytes of `text`. */
  readonly length: number;
  text(): AsyncIterable<Buffer>;
}

/** Of the lines between header and end. */
export interface Lines {
  readonly length: number;
  read(): AsyncIterable<Buffer>;
}

export function wholeManifest(header: ManifestHeader, lines: Lines, totals: Totals): Manifest {
  const begin = Buffer.from(encodeRecord({ type: 'header', header }));
  const end = Buffer.from(encodeRecord({ type: 'end', totals }));
  return {
    totals,
    length: begin.length + lines.length + end.length,
    async *text() {
      yield begin;
      yield* lines.read();
      yield end;
    },
  };
}

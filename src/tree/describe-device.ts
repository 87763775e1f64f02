/** From the content of a device to its manifest, while it is read for something else. */
import { appendFileSync, createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeExtent } from './extents.ts';
import { encodeRecord, type ManifestHeader } from './manifest.ts';
import { type Manifest, wholeManifest } from './whole-manifest.ts';

export interface DeviceDescription {
  /** Passes the pieces on, as they are. */
  describe(pieces: AsyncIterable<Buffer>, onBytes: (bytes: number) => void): AsyncIterable<Buffer>;
  /** Once all of them have passed. */
  complete(header: ManifestHeader): Manifest;
}

/** @param scratch a directory of this process alone; it takes about 100 bytes for each 4 MiB. */
export function describeDevice(scratch: string): DeviceDescription {
  const file = join(scratch, 'extents');
  writeFileSync(file, '');
  const totals = { files: 1, bytes: 0, changed: 0 };
  let described = 0;
  return {
    async *describe(pieces, onBytes) {
      let index = 0;
      for await (const piece of pieces) {
        const extent = describeExtent(index++, piece);
        if (extent !== undefined) {
          const line = encodeRecord({ type: 'extent', extent });
          appendFileSync(file, line);
          described += line.length;
        }
        totals.bytes += piece.length;
        yield piece;
        onBytes(piece.length);
      }
    },
    complete: (header) => wholeManifest(header, { length: described, read: () => createReadStream(file) }, totals),
  };
}

/** Runs a reader over a whole archive and keeps what it told. */
import type { Entry, EntryHandler } from '../../src/extract/entries/entry.ts';
import type { Notes } from '../../src/extract/entries/notes.ts';
import { TarReader } from '../../src/extract/entries/tar-reader.ts';
import { ZipReader } from '../../src/extract/entries/zip-reader.ts';

export interface ReadEntry extends Entry {
  /** The stored data. */
  readonly data: Buffer;
}

export interface ReadArchive {
  /** With the modes that came at the end. */
  readonly entries: readonly ReadEntry[];
  readonly notes: Notes;
}

/** @param step length of the pieces in which the archive comes; their memory is reused, as a ring's is. */
export function readTar(archive: Buffer, step = archive.length): ReadArchive {
  const notes: Notes = new Map();
  const { handler, entries } = collectEntries();
  feed(new TarReader(handler, notes), archive, step);
  return { entries, notes };
}

/** @param onBytes told of all data as it comes. */
export function readZip(
  archive: Buffer,
  step = archive.length,
  onBytes?: (length: number) => void,
): readonly ReadEntry[] {
  const { handler, entries } = collectEntries();
  const reader = new ZipReader({
    ...handler,
    data(bytes) {
      onBytes?.(bytes.length);
      handler.data(bytes);
    },
  });
  feed(reader, archive, step);
  return entries;
}

function feed(reader: TarReader | ZipReader, archive: Buffer, step: number): void {
  const slot = Buffer.alloc(step);
  for (let offset = 0; offset < archive.length; offset += step) {
    const length = archive.copy(slot, 0, offset);
    reader.write(slot.subarray(0, length));
    slot.fill(0xee);
  }
  reader.end();
}

/** A handler that keeps what it gets. */
export function collectEntries(): { readonly handler: EntryHandler; readonly entries: readonly ReadEntry[] } {
  const entries: ReadEntry[] = [];
  let open: { readonly entry: Entry; readonly pieces: Buffer[] } | undefined;
  const handler: EntryHandler = {
    begin(entry) {
      if (open !== undefined) throw new Error('an entry began before the file ahead of it had ended');
      if (entry.type === 'file') open = { entry, pieces: [] };
      else entries.push({ ...entry, data: Buffer.alloc(0) });
    },
    data(bytes) {
      if (open === undefined) throw new Error('data came without a file');
      open.pieces.push(Buffer.from(bytes));
    },
    end() {
      if (open === undefined) throw new Error('a file ended that had not begun');
      entries.push({ ...open.entry, data: Buffer.concat(open.pieces) });
      open = undefined;
    },
    amend(name, mode) {
      const index = entries.findLastIndex((entry) => entry.name === name);
      const entry = entries[index];
      if (entry === undefined) throw new Error('the mode of an entry changed that never came');
      entries[index] = { ...entry, mode };
    },
  };
  return { handler, entries };
}

/** The content of a sparse file, holes filled with zeros. */
export function unpackSparse({ sparse, data }: ReadEntry): Buffer {
  if (sparse === undefined) return data;
  const content = Buffer.alloc(sparse.size);
  let from = 0;
  for (const { offset, length } of sparse.extents) {
    data.copy(content, offset, from, from + length);
    from += length;
  }
  return content;
}

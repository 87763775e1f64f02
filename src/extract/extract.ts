/** Tar stream in, files out: each entry of the reader goes to the tree writer. Whatever is not written is an error. */
import { PermanentError, type PluginLogger } from '../sdk/index.ts';
import { quote } from './entries/entry-name.ts';
import type { Entry, EntryHandler } from './entries/entry.ts';
import { type Notes, noteText } from './entries/notes.ts';
import { applyPolicy, type Policy } from './entries/policy.ts';
import { TarReader } from './entries/tar-reader.ts';
import { TreeWriter } from './write/tree-writer.ts';

export interface ExtractOptions {
  /** An empty directory. */
  readonly root: string;
  readonly logger: PluginLogger;
  /** Called with the number of files so far after each piece of the stream. */
  readonly onFiles: (files: number) => void;
}

/**
 * @returns the number of files and links (directories are not counted).
 * @throws PermanentError `HostileArchive`, `UnsupportedEntry`, `ArchiveCorrupt`, `VolumeFull`; AttemptFailedError `SourceTruncated`
 * where the stream ends before the archive does, `VolumeWriteFailed`.
 */
export async function extractTar(chunks: AsyncIterable<Buffer>, options: ExtractOptions): Promise<number> {
  using tree = new TreeWriter(options.root);
  const notes: Notes = new Map();
  let attributesLost = 0;
  const writer = entriesTo(tree, () => attributesLost++);
  const reader = new TarReader(applyPolicy(EVERYTHING, notes, writer), notes);
  for await (const chunk of chunks) {
    reader.write(chunk);
    options.onFiles(tree.files);
  }
  reader.end();
  tree.finish();
  if (attributesLost > 0) options.logger.warn('extended attributes are not restored', { entries: attributesLost });
  for (const [note, entries] of notes) options.logger.warn(noteText(note), { entries });
  return tree.files;
}

const EVERYTHING: Policy = { stripComponents: 0, include: [], exclude: [], preserveOwners: false };

function entriesTo(tree: TreeWriter, onAttributesLost: () => void): EntryHandler {
  return {
    begin: (entry) => {
      if (entry.attributes !== undefined) onAttributesLost();
      beginEntry(tree, entry);
    },
    data: (bytes) => tree.write(bytes),
    end: () => tree.closeFile(),
  };
}

function beginEntry(tree: TreeWriter, entry: Entry): void {
  switch (entry.type) {
    case 'file':
      if (entry.sparse !== undefined) throw unsupported(entry, 'is a sparse file');
      return tree.openFile(entry);
    case 'directory':
      return tree.directory(entry);
    case 'hardLink':
      return tree.hardLink(entry, entry.linkName);
    case 'symbolicLink':
      return tree.symbolicLink(entry, entry.linkName);
    case 'characterDevice':
    case 'blockDevice':
      throw unsupported(entry, 'is a device');
    case 'fifo':
      throw unsupported(entry, 'is a pipe');
  }
}

function unsupported({ name }: Entry, what: string): PermanentError {
  return new PermanentError('UnsupportedEntry', `The archive's entry ${quote(name)} ${what}, which is not supported.`);
}

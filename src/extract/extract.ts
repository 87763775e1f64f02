/** Tar stream in, files out: each entry of the reader goes to the tree writer. Whatever is not written is an error. */
import type { PluginLogger } from '../sdk/index.ts';
import { TarReader, type EntryHandler, type TarEntry } from './entries/tar-reader.ts';
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
  const reader = new TarReader(entriesTo(tree));
  for await (const chunk of chunks) {
    reader.write(chunk);
    options.onFiles(tree.files);
  }
  reader.end();
  tree.finish();
  if (reader.attributesLost > 0) {
    options.logger.warn('extended attributes and ACLs are not restored', { entries: reader.attributesLost });
  }
  return tree.files;
}

function entriesTo(tree: TreeWriter): EntryHandler {
  return {
    begin: (entry) => beginEntry(tree, entry),
    data: (bytes) => tree.write(bytes),
    end: () => tree.closeFile(),
  };
}

function beginEntry(tree: TreeWriter, entry: TarEntry): void {
  switch (entry.type) {
    case 'file':
      return tree.openFile(entry);
    case 'directory':
      return tree.directory(entry);
    case 'hardLink':
      return tree.hardLink(entry, entry.linkName);
    case 'symbolicLink':
      return tree.symbolicLink(entry, entry.linkName);
  }
}

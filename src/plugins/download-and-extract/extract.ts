/** Reads a tar stream with npm's `tar` and hands each entry to the tree writer. Whatever is not written is an error. */
import { Parser, type ReadEntry } from 'tar';
import { AttemptFailedError, PermanentError, VolprimeError, type PluginLogger } from '../../sdk/index.ts';
import { hostile, quote } from './entry-name.ts';
import { isZero } from './tar-header.ts';
import { TreeWriter } from './tree-writer.ts';

export interface ExtractOptions {
  /** An empty directory. */
  readonly root: string;
  readonly logger: PluginLogger;
  /** Called with the number of files so far after each piece of the stream. */
  readonly onFiles: (files: number) => void;
}

/**
 * @returns the number of files (directories are not counted).
 * @throws PermanentError `HostileArchive`, `UnsupportedEntry`, `ArchiveCorrupt`, `VolumeFull`; VolprimeError `SourceTruncated` where
 * the stream ends before the archive does, `VolumeWriteFailed`.
 */
export async function extractTar(chunks: AsyncIterable<Buffer>, options: ExtractOptions): Promise<number> {
  using tree = new TreeWriter(options.root);
  const reader = createReader(tree, options.logger);
  for await (const chunk of chunks) {
    reader.write(chunk);
    options.onFiles(tree.files);
  }
  reader.end();
  tree.finish();
  return tree.files;
}

interface Reader {
  write(chunk: Buffer): void;
  end(): void;
}

/** The parser works synchronously and emits its events from inside `write`, so an error thrown in a listener comes out of `write`. */
function createReader(tree: TreeWriter, logger: PluginLogger): Reader {
  const parser = new Parser({ strict: true, maxMetaEntrySize: 1024 * 1024 });
  let ended = false;
  let attributesLost = 0;
  parser.on('entry', (entry: ReadEntry) => writeEntry(tree, entry));
  parser.on('ignoredEntry', (entry: ReadEntry) => {
    throw unsupported(entry, entry.meta ? 'has an extended header of more than 1 MiB' : `is of the kind ${entry.type}`);
  });
  parser.on('meta', (header: string) => {
    if (/^\d+ GNU\.sparse\./m.test(header)) {
      throw new PermanentError('UnsupportedEntry', 'The archive holds sparse files; create it without --sparse.');
    }
    if (/^\d+ (SCHILY\.xattr|LIBARCHIVE\.xattr|SCHILY\.acl)\./m.test(header)) attributesLost++;
  });
  parser.on('eof', () => {
    ended = true;
  });
  parser.on('error', (error: unknown) => {
    throw parserError(error);
  });
  return {
    write: (chunk) => {
      if (ended) return requirePadding(chunk);
      parser.write(chunk);
    },
    end: () => {
      parser.end();
      if (!ended)
        throw new AttemptFailedError('SourceTruncated', 'The archive ends without its end-of-archive marker.');
      if (attributesLost > 0)
        logger.warn('extended attributes and ACLs of the archive are not restored', { entries: attributesLost });
    },
  };
}

function writeEntry(tree: TreeWriter, entry: ReadEntry): void {
  const { path, type } = entry;
  const attributes = { name: path, mode: entry.mode, mtime: entry.mtime };
  switch (type) {
    case 'File':
    case 'OldFile':
    case 'ContiguousFile':
      tree.openFile(attributes);
      entry.on('data', (data: Buffer) => tree.write(data));
      entry.on('end', () => tree.closeFile());
      return;
    case 'Directory':
      tree.directory(attributes);
      break;
    case 'Link':
      tree.hardLink(attributes, entry.linkpath ?? '');
      break;
    case 'SymbolicLink':
      tree.symbolicLink(attributes, entry.linkpath ?? '');
      break;
    case 'CharacterDevice':
    case 'BlockDevice':
    case 'FIFO':
      throw hostile(path, `is a device or pipe (${type})`);
    default:
      throw unsupported(entry, `is of the kind ${type}`);
  }
  entry.resume();
}

/** Tar pads its last record with zeros. Anything else would be a second archive that nobody would get to see. */
function requirePadding(chunk: Buffer): void {
  if (!isZero(chunk)) {
    throw new PermanentError(
      'ArchiveCorrupt',
      'Data follows the end of the archive; archives that were joined together are not supported.',
    );
  }
}

function unsupported(entry: ReadEntry, what: string): PermanentError {
  return new PermanentError(
    'UnsupportedEntry',
    `The archive's entry ${quote(entry.path)} ${what}, which is not supported.`,
  );
}

function parserError(error: unknown): VolprimeError {
  if (error instanceof VolprimeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes('Truncated input')) {
    return new AttemptFailedError('SourceTruncated', 'The archive ends in the middle of a file.', { cause: error });
  }
  return new PermanentError('ArchiveCorrupt', `The archive is damaged: ${message}.`, { cause: error });
}

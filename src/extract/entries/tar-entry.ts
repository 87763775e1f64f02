/** One entry from its header and from what extended headers say over it. */
import { quote, unsupported } from './entry-name.ts';
import type { Entry, EntryType } from './entry.ts';
import type { Overrides } from './pax.ts';
import { corrupt, type TarHeader } from './tar-header.ts';

/** All that came before an entry's own header: pax records, and GNU's long names, which give way to them. */
export interface Extensions {
  readonly pax: Overrides;
  longName?: string;
  longLinkName?: string;
}

/** Every type that is not here is refused: who does not know it cannot know whether data follows. */
const TYPES: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '1': 'hardLink',
  '2': 'symbolicLink',
  '3': 'characterDevice',
  '4': 'blockDevice',
  '5': 'directory',
  '6': 'fifo',
  // Contiguous files of systems long gone, and sparse files in GNU's old format.
  '7': 'file',
  S: 'file',
};

/** @throws PermanentError `ArchiveCorrupt`, `UnsupportedEntry` for a type that only its maker knows. */
export function describeEntry(header: TarHeader, extensions: Extensions | undefined, global: Overrides): Entry {
  const pax = extensions?.pax;
  const name = pax?.sparse?.name ?? pax?.name ?? extensions?.longName ?? header.name;
  if (name === '') throw corrupt('an entry has no name');
  const type = typeOf(header, name);
  // Links and directories have no data, whatever their size field says: some writers put the size of the linked file there.
  const size = type === 'file' ? (pax?.size ?? header.size) : 0;
  if (size < 0) throw corrupt(`the entry ${quote(name)} has a negative size`);
  const isLink = type === 'hardLink' || type === 'symbolicLink';
  return {
    type,
    name,
    linkName: isLink ? (pax?.linkName ?? extensions?.longLinkName ?? header.linkName) : '',
    size,
    mode: header.mode,
    uid: pax?.uid ?? global.uid ?? header.uid,
    gid: pax?.gid ?? global.gid ?? header.gid,
    mtime: pax?.mtime ?? global.mtime ?? header.mtime,
    attributes: pax?.attributes,
    sparse: undefined,
  };
}

function typeOf({ typeFlag }: TarHeader, name: string): EntryType {
  const type = TYPES[typeFlag];
  if (type === undefined) {
    throw unsupported(name, `is of the type "${typeFlag}", which is not supported`);
  }
  // Before POSIX, a directory was a file whose name ends in a slash.
  return typeFlag === '0' && name.endsWith('/') ? 'directory' : type;
}

/** What readers of archives hand to the policy, and the policy to the writer. */
import type { ByteString } from './tar-header.ts';

export type EntryType = 'file' | 'directory' | 'hardLink' | 'symbolicLink' | 'characterDevice' | 'blockDevice' | 'fifo';

export interface Entry {
  readonly type: EntryType;
  /** Exactly as the archive spells it: nothing is stripped, nothing is safe yet. */
  readonly name: ByteString;
  /** Of hard and symbolic links; else ''. */
  readonly linkName: ByteString;
  /** Bytes of data that follow; of a sparse file the stored ones. 0 for all but files, and where it is known only behind the data. */
  readonly size: number;
  /** Type bits left out; 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /**
   * Seconds since 1970, with a fraction where the archive has one; negative before 1970. (Node's futimes takes the present time instead
   * of a negative number, but not of a negative number's text.)
   */
  readonly mtime: number;
  /** Extended attributes by their full names ("user.a", "security.capability"). */
  readonly attributes: ReadonlyMap<ByteString, Buffer> | undefined;
  /** Of sparse files: the apparent size, and where the stored data belongs, in order. */
  readonly sparse: { readonly size: number; readonly extents: readonly Extent[] } | undefined;
}

export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** Gets each entry; for a file also its data, and a word at its end. An error thrown here comes out of the reader. Synchronous. */
export interface EntryHandler {
  begin(entry: Entry): void;
  /** The memory is reused after the call. */
  data(bytes: Buffer): void;
  end(): void;
  /** Another mode for the file or directory that came under that name: some archives tell it only at their end. */
  amend(name: ByteString, mode: number): void;
}

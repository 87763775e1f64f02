/**
 * What the planner asks for and the executor does: plain steps whose order and safety the planner has settled. In between lies nothing,
 * or a ring to another thread.
 */
import type { ByteString } from '../entries/tar-header.ts';
import type { Attributes } from './extended-attributes.ts';

/** Names are safe names, relative to the target; '' never occurs. Each call may throw what its execution met. */
export interface TreeCommands extends FileCommands {
  /** The parent is there. */
  makeDirectory(name: ByteString, mode: number): void;
  /**
   * Gives files and directories their extended attributes, after all that was asked for before.
   * @returns attributes that could not be set.
   */
  setAttributes(given: ReadonlyMap<ByteString, Attributes>): number;
}

/** What may be done elsewhere and later, as long as the order stays. Directories on the way are there. */
export interface FileCommands {
  /** Opens a new file; a file of the same name gives way. One file is open at a time. */
  createFile(name: ByteString, mode: number): void;
  /** @param position where the bytes belong in the open file; undefined: behind the last ones. The memory is reused after the call. */
  write(bytes: Buffer, position: number | undefined): void;
  closeFile(attributes: FileAttributes): void;
  /** @param name a regular file, made earlier. */
  setMode(name: ByteString, mode: number): void;
  /** @param existing a regular file, made earlier. */
  hardLink(name: ByteString, existing: ByteString): void;
  symbolicLink(name: ByteString, target: ByteString, attributes: FileAttributes): void;
  /** Mode, owner and time of a directory into which nothing will be written any more. */
  finishDirectory(name: ByteString, attributes: DirectoryAttributes): void;
}

/** An owner that is undefined stays as the file system gave it. */
export interface FileAttributes {
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Of files with holes: the apparent size. */
  readonly size: number | undefined;
}

export interface DirectoryAttributes extends Omit<FileAttributes, 'size' | 'mtime'> {
  /** Undefined: as it came out. */
  readonly mtime: number | undefined;
  /** It was made with just this mode. */
  readonly modeGiven: boolean;
}

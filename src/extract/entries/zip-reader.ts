/**
 * Reads a zip archive as a stream, from its first byte to its last: entries from their local headers as they come, and at the end the
 * central directory, which must agree with all that was found. Nothing is staged on disk, nothing is read twice: so entries cannot
 * overlap, and what comes out is in proportion to what went in.
 *
 * Two things are known only at the end: modes, which go to the handler's `amend`, and which entries were symbolic links; those come a
 * second time, as what they are, in place of the file that held their target.
 */
import { crc32 } from 'node:zlib';
import { AttemptFailedError, type PermanentError } from '../../sdk/errors.ts';
import { type MemberInflate, openMemberInflate } from '../decode/member-inflate.ts';
import { quote, unsupported } from './entry-name.ts';
import type { Entry, EntryHandler } from './entry.ts';
import { type ByteString, corrupt } from './tar-header.ts';
import { DESCRIPTOR_LOOKAHEAD, descriptorLength } from './zip-descriptor.ts';
import { ZipDirectory } from './zip-directory.ts';
import { LOCAL_HEADER, type LocalHeader, localLength, method, readLocal, signature } from './zip-header.ts';
import { type FoundMember, ZipLedger } from './zip-ledger.ts';
import { PossibleLinks } from './zip-links.ts';

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;
const TYPE_BITS = 0o170000;
const DIRECTORY = 0o040000;
const REGULAR = 0o100000;
const SYMBOLIC_LINK = 0o120000;
const DESCRIPTOR_SIGNATURE = Buffer.from('PK\x07\x08', 'latin1');

/** The member whose data is being read, and what was measured of it so far. */
interface OpenMember {
  readonly header: LocalHeader;
  readonly entry: Entry;
  readonly offset: number;
  readonly inflate: MemberInflate | undefined;
  compressed: number;
  size: number;
  crc: number;
  dataEnded: boolean;
}

/** A step that cannot be taken before more bytes come. */
const NEEDS_MORE = -1;

export class ZipReader {
  readonly #handler: EntryHandler;
  readonly #ledger = new ZipLedger();
  readonly #links = new PossibleLinks();
  readonly #inflates = new Map<number, MemberInflate>();
  /** Most archives name no owner: then it is whoever extracts. */
  readonly #owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  /** What came of a record whose rest has not come yet. */
  #held: Buffer = Buffer.alloc(0);
  /** Of the first byte that was not taken, in the archive. */
  #position = 0;
  #member: OpenMember | undefined;
  #directory: ZipDirectory | undefined;

  constructor(handler: EntryHandler) {
    this.#handler = handler;
  }

  /** @throws PermanentError `ArchiveCorrupt`, `UnsupportedEntry`; errors of the handler. */
  write(chunk: Buffer): void {
    const input = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = 0;
    while (at < input.length) {
      const taken = this.#step(input, at);
      if (taken === NEEDS_MORE) break;
      at += taken;
      this.#position += taken;
    }
    // A copy: the chunk's memory may be reused.
    this.#held = Buffer.from(input.subarray(at));
  }

  /** @throws AttemptFailedError `SourceTruncated` where the archive is not complete. */
  end(): void {
    if (this.#directory === undefined || this.#held.length > 0) {
      throw new AttemptFailedError('SourceTruncated', 'The archive ends before its central directory does.');
    }
    this.#directory.finish();
    for (const inflate of this.#inflates.values()) inflate[Symbol.dispose]();
  }

  /** @returns the number of bytes it took. */
  #step(input: Buffer, at: number): number {
    if (this.#directory !== undefined) return this.#directory.read(input, at, this.#position);
    const member = this.#member;
    if (member === undefined) return this.#readRecord(input, at);
    if (!member.dataEnded) return this.#readData(member, input, at);
    return this.#readDescriptor(member, input, at);
  }

  #readRecord(input: Buffer, at: number): number {
    const available = input.length - at;
    if (available < 4) return NEEDS_MORE;
    const kind = input.readUInt32LE(at);
    if (DIRECTORY_RECORDS.has(kind)) {
      this.#directory = new ZipDirectory(this.#ledger, this.#position, (member, mode) => this.#onListed(member, mode));
      return 0;
    }
    if (kind !== signature.local) throw corrupt('an unknown record stands where an entry should begin');
    if (available < LOCAL_HEADER || available < localLength(input, at)) return NEEDS_MORE;
    this.#beginMember(readLocal(input, at));
    return localLength(input, at);
  }

  #beginMember(header: LocalHeader): void {
    const { name, method: packing, sizesBehind } = header;
    if (packing === method.zstd && sizesBehind) {
      throw unsupported(name, 'is packed by zstd with its size behind it; write the archive to a file, not to a pipe');
    }
    const entry = entryOf(header, this.#owner);
    this.#member = {
      header,
      entry,
      offset: this.#position,
      inflate: this.#inflateFor(packing),
      compressed: 0,
      size: 0,
      crc: 0,
      dataEnded: !sizesBehind && header.compressedSize === 0,
    };
    this.#links.begin();
    this.#handler.begin(entry);
  }

  #inflateFor(packing: number): MemberInflate | undefined {
    if (packing === method.stored) return undefined;
    const existing = this.#inflates.get(packing);
    existing?.reset();
    const inflate = existing ?? openMemberInflate(packing === method.zstd ? 'zstd' : 'deflate');
    this.#inflates.set(packing, inflate);
    return inflate;
  }

  #readData(member: OpenMember, input: Buffer, at: number): number {
    const { header, inflate } = member;
    if (inflate === undefined && header.sizesBehind) return this.#readStoredOfUnknownSize(member, input, at);
    const left = header.sizesBehind ? Number.POSITIVE_INFINITY : header.compressedSize - member.compressed;
    const to = Math.min(at + left, input.length);
    let end = to;
    if (inflate === undefined) this.#emit(member, input.subarray(at, to));
    else end = inflate.write(input, at, to, (bytes) => this.#emit(member, bytes));
    member.compressed += end - at;
    member.dataEnded = end < to || end - at === left;
    return end - at;
  }

  /** It ends at a descriptor that agrees with all that came before. */
  #readStoredOfUnknownSize(member: OpenMember, input: Buffer, at: number): number {
    const mark = input.indexOf(DESCRIPTOR_SIGNATURE, at);
    // The signature may be cut at the input's end.
    let end = mark === -1 ? input.length - DESCRIPTOR_SIGNATURE.length + 1 : mark;
    if (mark === at) {
      if (input.length - at < DESCRIPTOR_LOOKAHEAD) return NEEDS_MORE;
      member.dataEnded = descriptorLength(input, at, member) !== undefined;
      if (member.dataEnded) return 0;
      end = at + 1;
    }
    if (end <= at) return NEEDS_MORE;
    this.#emit(member, input.subarray(at, end));
    member.compressed += end - at;
    return end - at;
  }

  #emit(member: OpenMember, bytes: Buffer): void {
    const { header, entry } = member;
    if (bytes.length === 0) return;
    member.size += bytes.length;
    member.crc = crc32(bytes, member.crc);
    if (entry.type === 'directory') throw corrupt(`the directory ${quote(entry.name)} has data`);
    if (!header.sizesBehind && member.size > header.size) throw differs(entry, 'size');
    this.#links.data(bytes);
    this.#handler.data(bytes);
  }

  #readDescriptor(member: OpenMember, input: Buffer, at: number): number {
    const { header, entry } = member;
    let length = 0;
    if (header.sizesBehind) {
      if (input.length - at < DESCRIPTOR_LOOKAHEAD) return NEEDS_MORE;
      const found = descriptorLength(input, at, member);
      if (found === undefined) throw differs(entry, 'checksum or size');
      length = found;
    } else {
      if (member.compressed !== header.compressedSize) throw differs(entry, 'compressed size');
      if (member.size !== header.size) throw differs(entry, 'size');
      if (member.crc !== header.crc) throw differs(entry, 'checksum');
    }
    this.#endMember(member);
    return length;
  }

  #endMember({ header, entry, offset, compressed, size, crc }: OpenMember): void {
    this.#ledger.add({ name: header.name, method: header.method, compressedSize: compressed, size, crc, offset });
    this.#member = undefined;
    if (entry.type !== 'file') return;
    this.#links.end(offset, entry);
    this.#handler.end();
  }

  #onListed({ name, offset }: FoundMember, mode: number): void {
    const isDirectory = name.endsWith('/');
    switch (mode & TYPE_BITS) {
      case SYMBOLIC_LINK:
        return this.#link(name, offset);
      case DIRECTORY:
        if (!isDirectory) throw corrupt(`the directory ${quote(name)} lacks the slash behind its name`);
        break;
      case 0:
      case REGULAR:
        break;
      default:
        throw unsupported(name, 'is a device or a pipe');
    }
    const permissions = mode & 0o7777;
    const given = isDirectory ? DIRECTORY_MODE : FILE_MODE;
    if (permissions !== 0 && permissions !== given) this.#handler.amend(name, permissions);
  }

  #link(name: ByteString, offset: number): void {
    const link = this.#links.get(offset);
    if (link === undefined) throw unsupported(name, 'is a symbolic link with a target that was not kept');
    this.#handler.begin({ ...link.entry, type: 'symbolicLink', linkName: link.target, size: 0, mode: 0o777 });
  }
}

/** An empty archive has no entry before them. */
const DIRECTORY_RECORDS: ReadonlySet<number> = new Set([signature.central, signature.end64, signature.end]);

function entryOf(header: LocalHeader, owner: { readonly uid: number; readonly gid: number }): Entry {
  const isDirectory = header.name.endsWith('/');
  return {
    type: isDirectory ? 'directory' : 'file',
    name: header.name,
    linkName: '',
    size: header.sizesBehind || isDirectory ? 0 : header.size,
    mode: isDirectory ? DIRECTORY_MODE : FILE_MODE,
    uid: header.uid ?? owner.uid,
    gid: header.gid ?? owner.gid,
    mtime: header.mtime,
    attributes: undefined,
    sparse: undefined,
  };
}

function differs({ name }: Entry, what: string): PermanentError {
  return corrupt(`the data of the entry ${quote(name)} has another ${what} than its header says`);
}

/** Remembers the members of a zip archive until the central directory lists them again. Compact: an archive may have millions. */
import { corrupt } from './tar-header.ts';
import type { ZipMember } from './zip-header.ts';

/** A member as it was found: its checksum and sizes were measured, not read. */
export interface FoundMember extends ZipMember {
  readonly offset: number;
}

/** Offset, compressed size, size, checksum, method, length of the name; the name follows. */
const RECORD = 8 + 8 + 8 + 4 + 2 + 2;
const CHUNK = 256 * 1024;

export class ZipLedger {
  readonly #chunks: Buffer[] = [];
  #used = CHUNK;
  #count = 0;
  #listed = 0;
  /** The next record in the order in which they were added, which is that of nearly every central directory. */
  #chunk = 0;
  #at = 0;
  /** Records that were passed over, by their offset in the archive. */
  readonly #passed = new Map<number, FoundMember>();

  get count(): number {
    return this.#count;
  }

  /** Members that the central directory has not listed. */
  get unlisted(): number {
    return this.#count - this.#listed;
  }

  add(member: FoundMember): void {
    const length = RECORD + member.name.length;
    if (this.#used + length > CHUNK) this.#addChunk();
    const chunk = this.#chunks[this.#chunks.length - 1];
    if (chunk === undefined) throw new Error('the ledger has no chunk');
    let at = chunk.writeDoubleLE(member.offset, this.#used);
    at = chunk.writeDoubleLE(member.compressedSize, at);
    at = chunk.writeDoubleLE(member.size, at);
    at = chunk.writeUInt32LE(member.crc, at);
    at = chunk.writeUInt16LE(member.method, at);
    at = chunk.writeUInt16LE(member.name.length, at);
    chunk.write(member.name, at, 'latin1');
    this.#used += length;
    this.#count++;
  }

  /** @returns the member whose local header is at that offset. @throws PermanentError `ArchiveCorrupt` where there is none (any more). */
  take(offset: number): FoundMember {
    const passed = this.#passed.get(offset);
    if (passed !== undefined) {
      this.#passed.delete(offset);
      this.#listed++;
      return passed;
    }
    for (let member = this.#next(); member !== undefined; member = this.#next()) {
      if (member.offset === offset) {
        this.#listed++;
        return member;
      }
      this.#passed.set(member.offset, member);
    }
    throw corrupt('its central directory lists an entry that is not there, or one twice');
  }

  #addChunk(): void {
    this.#chunks.push(Buffer.alloc(CHUNK));
    this.#used = 0;
  }

  #next(): FoundMember | undefined {
    const isLast = this.#chunk === this.#chunks.length - 1;
    const chunk = this.#chunks[this.#chunk];
    if (chunk === undefined || (isLast && this.#at >= this.#used)) return undefined;
    const at = this.#at;
    // No record has a name without a byte: what is zero there was never written.
    const nameLength = at + RECORD <= CHUNK ? chunk.readUInt16LE(at + RECORD - 2) : 0;
    if (nameLength === 0) {
      this.#chunk++;
      this.#at = 0;
      return this.#next();
    }
    this.#at = at + RECORD + nameLength;
    return {
      offset: chunk.readDoubleLE(at),
      compressedSize: chunk.readDoubleLE(at + 8),
      size: chunk.readDoubleLE(at + 16),
      crc: chunk.readUInt32LE(at + 24),
      method: chunk.readUInt16LE(at + 28),
      name: chunk.toString('latin1', at + RECORD, this.#at),
    };
  }
}

/**
 * What the manifest of an earlier capture of the same volume knows of names that nobody has touched since. Its lines are compared as text: one that
 * begins with the very head of today is taken over as it ends, without being decoded.
 */
import { comparePaths } from './bytes.ts';
import { splitLines } from './lines.ts';
import { decodeEntry, decodeRecord, encodeHead, encodeTail, type ManifestEntry } from './manifest.ts';

export interface EarlierManifest {
  readonly text: AsyncIterable<Buffer>;
  /** Called once where it cannot be read (any further): then files are read, and no error. */
  readonly onUnreadable: (error: unknown) => void;
}

/** Of a file that was written to just before, a clock may not tell that it was written to again. */
const RESTING_NS = 2_000_000_000n;

const TAIL_OF_FILE = /^,"sha256":"[0-9a-f]{64}"\}$/;

/** Walks beside the heads that are asked for, which must come in the order of the walk. */
export class EarlierTails {
  readonly #lines: AsyncIterator<string>;
  readonly #onUnreadable: (error: unknown) => void;
  #line: string | undefined;
  /** Of the line, once somebody needed it. */
  #entry: ManifestEntry | undefined;
  /** Nanoseconds since 1970; what was touched later was not at rest. */
  #until: bigint | undefined;
  #ended = false;

  constructor({ text, onUnreadable }: EarlierManifest) {
    this.#lines = splitLines(text, 'whole');
    this.#onUnreadable = onUnreadable;
  }

  /** @returns how the line goes on; undefined where the earlier manifest says nothing of it that can be believed. */
  async of(head: string): Promise<string | undefined> {
    try {
      return await this.#find(head);
    } catch (error) {
      this.#end();
      this.#onUnreadable(error);
      return undefined;
    }
  }

  async close(): Promise<void> {
    await this.#lines.return?.();
  }

  async #find(head: string): Promise<string | undefined> {
    if (this.#until === undefined && !this.#ended) await this.#begin();
    while (this.#line !== undefined) {
      if (this.#line.startsWith(head)) {
        const tail = this.#tailBehind(this.#line, head);
        if (tail !== undefined) {
          await this.#step();
          return this.#wasAtRest(head) ? tail : undefined;
        }
      }
      const order = comparePaths(this.#here(this.#line).path, decodeEntry(`${head}}`).path);
      if (order > 0) return undefined;
      await this.#step();
      if (order === 0) return undefined;
    }
    return undefined;
  }

  #tailBehind(line: string, head: string): string | undefined {
    const tail = line.slice(head.length);
    const isFile = head.includes('"type":"file"');
    if (isFile ? TAIL_OF_FILE.test(tail) : tail === '}') return tail;
    const entry = this.#here(line);
    if (entry.changed || (isFile && entry.sha256 === undefined)) return undefined;
    return encodeHead(entry) === head ? encodeTail(entry) : undefined;
  }

  #here(line: string): ManifestEntry {
    return (this.#entry ??= decodeEntry(line));
  }

  #wasAtRest(head: string): boolean {
    // No name can be taken for it: in JSON its quotes would be escaped.
    const ctime = /"ctime":"(-?\d+)"/.exec(head)?.[1];
    return ctime !== undefined && this.#until !== undefined && BigInt(ctime) < this.#until;
  }

  async #begin(): Promise<void> {
    const first = await this.#next();
    const record = first === undefined ? undefined : decodeRecord(first);
    if (record?.type !== 'header') throw new Error('it has no header');
    this.#until = BigInt(Date.parse(record.header.startedAt)) * 1_000_000n - RESTING_NS;
    await this.#step();
  }

  async #step(): Promise<void> {
    this.#entry = undefined;
    this.#line = await this.#next();
    if (this.#line === undefined) throw new Error('its end is missing');
    if (this.#line.startsWith('{"end":')) this.#end();
  }

  async #next(): Promise<string | undefined> {
    const next = await this.#lines.next();
    return next.done === true ? undefined : next.value;
  }

  #end(): void {
    this.#ended = true;
    this.#line = undefined;
  }
}

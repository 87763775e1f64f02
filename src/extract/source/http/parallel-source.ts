/**
 * One body by several connections, for servers that limit each: parts are fetched ahead into bounded memory and delivered in order.
 *
 * It begins as one stream and stays one while that is as fast as the reader or the link. Every part is asked for under the validator of
 * the first answer. Whatever goes wrong with a part that its own few tries do not mend, the body goes on as one stream from there: that
 * one finds out whether the server serves no parts, has another version by now, or only did not like so many connections.
 */
import type { ByteSource } from '../source.ts';
import type { Connection } from './client.ts';
import { HttpSource, type HttpSourceOptions } from './http-source.ts';
import { continuation, rangeHeaders, type Representation } from './representation.ts';
import type { Width } from './width.ts';

export interface ParallelOptions extends HttpSourceOptions {
  readonly began: Representation & { readonly length: number };
  /** Where the redirects ended. */
  readonly finalUrl: URL;
  readonly width: Pick<Width, 'connections' | 'observe' | 'giveUp'>;
  readonly partBytes: number;
}

/** With the number of parts it bounds the memory: 32 MiB. Large enough that asking for the next one costs little. */
export const PART_BYTES = 2 * 1024 * 1024;
const MAX_PARTS = 16;
const TRIES_OF_A_PART = 3;

interface Part {
  readonly first: number;
  readonly memory: Uint8Array;
  filled: number;
  taken: number;
  failed: boolean;
}

export class ParallelSource implements ByteSource {
  readonly #options: ParallelOptions;
  #stream: HttpSource | undefined;
  /** Where the stream ends and the parts begin. Undefined: it goes to the end, and there are no parts. */
  #border: number | undefined;
  /** What follows the stream, in order and without gaps. */
  #parts: Part[] = [];
  /** Of the next byte to be delivered. */
  #position = 0;
  /** Of the first byte that nobody has been told to fetch. */
  #next: number;
  #bytes = 0;
  #waitedMs = 0;
  #workers = 0;
  readonly #connections = new Set<Connection>();
  readonly #spare: Uint8Array[] = [];
  /** Resolves when a part has got further, or there is room for another. */
  #news = Promise.withResolvers<void>();
  #closed = false;

  constructor(stream: HttpSource, options: ParallelOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#next = options.began.length;
  }

  get length(): number {
    return this.#options.began.length;
  }

  async read(into: Uint8Array): Promise<number> {
    const startedMs = performance.now();
    while (this.#position < this.length) {
      this.#options.signal.throwIfAborted();
      const count = await this.#readSome(into);
      if (count === 0) continue;
      this.#position += count;
      const atMs = performance.now();
      this.#waitedMs += atMs - startedMs;
      this.#options.width.observe({ atMs, bytes: this.#bytes, waitedMs: this.#waitedMs });
      this.#adapt();
      return count;
    }
    return 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const connection of this.#connections) connection.close();
    this.#tell();
    await this.#stream?.[Symbol.asyncDispose]();
  }

  /** @returns 0 where another call is needed. */
  async #readSome(into: Uint8Array): Promise<number> {
    if (this.#stream !== undefined) {
      this.#assertAt(this.#stream.position);
      const count = await this.#stream.read(into);
      this.#bytes += count;
      if (count === 0) await this.#cross(this.#stream);
      return count;
    }
    const part = this.#parts[0];
    if (part === undefined || part.failed) {
      this.#goOnAsOneStream(part);
      return 0;
    }
    if (part.taken === part.filled) await this.#news.promise;
    return this.#take(part, into);
  }

  /** The stream is where the parts begin. It is kept until the first of them has shown that parts are served, and of this version. */
  async #cross(stream: HttpSource): Promise<void> {
    const part = this.#parts[0];
    if (part === undefined || part.failed) {
      this.#giveUpParts();
      this.#border = undefined;
      stream.stopAt(this.length);
    } else if (part.filled === 0) await this.#news.promise;
    else {
      this.#stream = undefined;
      await stream[Symbol.asyncDispose]();
    }
  }

  /** Whatever else may be wrong: no byte is delivered twice, or left out. */
  #assertAt(offset: number): void {
    if (offset !== this.#position) throw new RangeError(`byte ${offset} would be delivered as byte ${this.#position}`);
  }

  #take(part: Part, into: Uint8Array): number {
    this.#assertAt(part.first + part.taken);
    const bytes = part.memory.subarray(part.taken, Math.min(part.filled, part.taken + into.length));
    into.set(bytes);
    part.taken += bytes.length;
    if (part.taken === part.memory.length) {
      this.#parts.shift();
      if (part.memory.length === this.#options.partBytes) this.#spare.push(part.memory);
      this.#tell();
    }
    return bytes.length;
  }

  #goOnAsOneStream(failed: Part | undefined): void {
    if (failed !== undefined) this.#giveUpParts();
    this.#next = this.length;
    this.#border = undefined;
    this.#stream = new HttpSource(this.#options, this.#options.began, { position: this.#position });
  }

  /** What other connections are still fetching is not waited for, and its memory not used again. */
  #giveUpParts(): void {
    this.#options.width.giveUp();
    this.#parts = [];
    this.#next = this.length;
  }

  #adapt(): void {
    const wanted = this.#wanted();
    if (wanted > 0 && this.#stream !== undefined && this.#border === undefined) {
      const border = this.#position + this.#options.partBytes;
      if (border >= this.length) return;
      this.#stream.stopAt(border);
      this.#border = border;
      this.#next = border;
    }
    while (this.#workers < wanted && this.#next < this.length) void this.#work();
  }

  /** One connection is the stream's. */
  #wanted(): number {
    const { connections } = this.#options.width;
    return this.#closed || connections === 1 ? 0 : connections;
  }

  async #work(): Promise<void> {
    this.#workers += 1;
    let connection = this.#connect();
    while (this.#workers <= this.#wanted() && this.#next < this.length) {
      const part = this.#claim();
      if (part === undefined) {
        await this.#news.promise;
        continue;
      }
      const usable = connection !== undefined && (await this.#fetchBy(connection, part));
      if (!usable) {
        this.#disconnect(connection);
        connection = undefined;
      }
      if (part.filled < part.memory.length && !this.#closed) await this.#fetchByClient(part);
    }
    this.#disconnect(connection);
    this.#workers -= 1;
  }

  #claim(): Part | undefined {
    if (this.#parts.length >= MAX_PARTS) return undefined;
    const first = this.#next;
    const size = Math.min(this.#options.partBytes, this.length - first);
    const spare = size === this.#options.partBytes ? this.#spare.pop() : undefined;
    const memory = spare ?? new Uint8Array(size);
    const part = { first, memory, filled: 0, taken: 0, failed: false };
    this.#parts.push(part);
    this.#next = first + size;
    return part;
  }

  /** @returns whether the connection can be used again. */
  async #fetchBy(connection: Connection, part: Part): Promise<boolean> {
    const { began } = this.#options;
    const end = part.first + part.memory.length;
    try {
      const answer = await connection.get(rangeHeaders(began, part.first, end));
      if (answer === undefined || answer.status !== 206) return false;
      const range = continuation(answer, began, part.first);
      if ('fault' in range || range.last !== end - 1) return false;
      await this.#fill(part, answer.body);
      return true;
    } catch {
      // A broken connection: what is missing of the part is asked for anew, and what is wrong will be told there.
      return false;
    }
  }

  /** By undici, with redirects and a few tries. */
  async #fetchByClient(part: Part): Promise<void> {
    const { began, retryPolicy } = this.#options;
    const stretch = { position: part.first + part.filled, end: part.first + part.memory.length };
    const policy = { ...retryPolicy, toGoOn: Math.min(TRIES_OF_A_PART, retryPolicy.toGoOn) };
    try {
      await using source = new HttpSource({ ...this.#options, retryPolicy: policy }, began, stretch);
      await this.#fill(part, source);
    } catch (error) {
      this.#options.logger.info('a part could not be fetched', { byte: part.first, error: String(error) });
    }
    part.failed = part.filled < part.memory.length;
    this.#tell();
  }

  async #fill(part: Part, from: Pick<ByteSource, 'read'>): Promise<void> {
    while (part.filled < part.memory.length) {
      const count = await from.read(part.memory.subarray(part.filled));
      if (count === 0) return;
      part.filled += count;
      this.#bytes += count;
      this.#tell();
    }
  }

  #connect(): Connection | undefined {
    const connection = this.#options.client.connect(this.#options.finalUrl);
    if (connection !== undefined) this.#connections.add(connection);
    return connection;
  }

  #disconnect(connection: Connection | undefined): void {
    if (connection === undefined) return;
    this.#connections.delete(connection);
    connection.close();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

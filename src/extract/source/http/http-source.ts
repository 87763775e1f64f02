/**
 * One body over http, gone on with after each break of the connection.
 *
 * Guarantee: the bytes are those of one version of the body. A later request continues it only under the validator of the first answer
 * (If-Range), or, where there is none, under the checksum that somebody declared and the same total length. Anything else ends in
 * `SourceChanged` or in the error that broke the transfer, and the whole attempt starts clean.
 */
import { AttemptFailedError, PermanentError, type PluginLogger, VolprimeError } from '../../../sdk/index.ts';
import type { ByteSource } from '../source.ts';
import { bodyError, displayUrl, statusError } from '../source-errors.ts';
import { field, type Answer, type Body } from './answer.ts';
import type { HttpClient } from './client.ts';
import { continuation, rangeHeaders, representation, type Representation } from './representation.ts';
import { Retries, type RetryPolicy } from './retry.ts';

export interface HttpSourceOptions {
  readonly client: Pick<HttpClient, 'get' | 'connect'>;
  readonly url: URL;
  /** The whole body is compared with a digest in the end. */
  readonly checksumDeclared: boolean;
  readonly retryPolicy: RetryPolicy;
  readonly logger: PluginLogger;
  readonly signal: AbortSignal;
}

/** What of the body is read: from `position` on, as an answer's `body` brings it or as it is asked for; to before `end`. */
export interface Stretch {
  readonly body?: Body;
  readonly position?: number;
  readonly end?: number;
}

/** @throws VolprimeError where the answer is not the whole body, in a form that can be read. */
export function representationOf(answer: Answer): Representation {
  if (answer.status !== 200) throw statusError(answer.url, answer.status, field(answer, 'retry-after'));
  const began = representation(answer);
  if (began !== undefined) return began;
  throw new PermanentError(
    'SourceRefused',
    `${displayUrl(answer.url)} sends the body with a Content-Encoding that was not asked for and cannot be undone.`,
  );
}

export class HttpSource implements ByteSource {
  readonly #options: HttpSourceOptions;
  readonly #began: Representation;
  readonly #retries: Retries;
  #body: Body | undefined;
  /** Of the next byte. */
  #position: number;
  /** Behind the last byte that is wanted. Undefined: all to the end of the body. */
  #end: number | undefined;
  /** Of the whole body: announced by the first answer, or by that which continued it. */
  #length: number | undefined;

  constructor(options: HttpSourceOptions, began: Representation, { body, position = 0, end }: Stretch) {
    this.#options = options;
    this.#began = began;
    this.#length = began.length;
    this.#body = body;
    this.#position = position;
    this.#end = end;
    this.#retries = new Retries(options.retryPolicy, 'toGoOn', options.signal);
  }

  get length(): number | undefined {
    return this.#began.length;
  }

  /** Of the next byte. */
  get position(): number {
    return this.#position;
  }

  /** Ends before the byte at `end`, which has not been read yet. */
  stopAt(end: number): void {
    this.#end = end;
  }

  async read(memory: Uint8Array): Promise<number> {
    const into = this.#end === undefined ? memory : memory.subarray(0, this.#end - this.#position);
    if (into.length === 0) return 0;
    for (;;) {
      this.#options.signal.throwIfAborted();
      try {
        this.#body ??= await this.#goOn();
        return await this.#readFrom(this.#body, into);
      } catch (error) {
        this.#body?.cancel();
        this.#body = undefined;
        await this.#recover(error);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#body?.cancel();
    this.#body = undefined;
  }

  async #readFrom(body: Body, into: Uint8Array): Promise<number> {
    let count: number;
    try {
      count = await body.read(into);
    } catch (cause) {
      throw bodyError(this.#options.url, this.#position, cause);
    }
    this.#position += count;
    if (count > 0) this.#retries.progressed();
    const length = this.#length;
    if (length === undefined || (count > 0 ? this.#position <= length : this.#position === length)) return count;
    throw new AttemptFailedError(
      'SourceTruncated',
      `${displayUrl(this.#options.url)} sent ${this.#position} of ${length} bytes.`,
    );
  }

  /** Waits for the next try, or throws what makes a next one useless. */
  async #recover(error: unknown): Promise<void> {
    const { signal, logger, url } = this.#options;
    signal.throwIfAborted();
    if (!(error instanceof VolprimeError) || !this.#canGoOn()) throw error;
    await this.#retries.after(error);
    logger.info('going on with the download', { from: displayUrl(url), byte: this.#position, after: error.message });
  }

  #canGoOn(): boolean {
    if (this.#length !== undefined && this.#position > this.#length) return false;
    return this.#position === 0 || this.#began.validator !== undefined || this.#options.checksumDeclared;
  }

  async #goOn(): Promise<Body> {
    const first = this.#position;
    const headers = first === 0 ? {} : rangeHeaders(this.#began, first, this.#end);
    const answer = await this.#options.client.get(this.#options.url, headers);
    try {
      if (first === 0) this.#checkAgain(answer);
      else this.#checkPart(answer);
      return answer.body;
    } catch (error) {
      answer.body.cancel();
      throw error;
    }
  }

  /** Nobody has a byte yet, but the length is known to whoever opened this. */
  #checkAgain(answer: Answer): void {
    const { length, validator } = representationOf(answer);
    const wanted = this.#began.validator?.value;
    if (length !== this.#began.length || (wanted !== undefined && validator?.value !== wanted)) {
      throw this.#changed('with another body');
    }
  }

  #checkPart(answer: Answer): void {
    if (answer.status === 200) throw this.#changed('with the whole body: it has changed, or parts are not served');
    if (answer.status === 416) throw this.#changed('that it has no such part');
    if (answer.status !== 206) throw statusError(answer.url, answer.status, field(answer, 'retry-after'));
    const part = continuation(answer, this.#began, this.#position);
    if ('fault' in part) throw this.#changed(`with a part ${part.fault}`);
    this.#length = part.total;
  }

  #changed(how: string): AttemptFailedError {
    return new AttemptFailedError(
      'SourceChanged',
      `${displayUrl(this.#options.url)} was asked to go on at byte ${this.#position} and answered ${how}.`,
    );
  }
}

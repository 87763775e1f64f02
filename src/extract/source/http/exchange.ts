/**
 * One request by undici, its body handed over in the memory of whoever reads.
 *
 * It stands on undici's dispatch handler and not on its stream: the connection is paused while nobody reads, and each piece is copied
 * once, to where it is wanted.
 */
import type { Dispatcher } from 'undici';
import type { Answer, Body } from './answer.ts';

export interface ExchangeOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  readonly signal: AbortSignal;
}

/** @throws undici's error, or the signal's reason. */
export function exchange({ url, headers, dispatcher, signal }: ExchangeOptions): Promise<Answer> {
  const answer = Promise.withResolvers<Answer>();
  const body = new ArrivingBody(signal, answer.reject);
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: (controller) => body.start(controller),
    onResponseStart: (_controller, status, fields) => {
      if (status >= 200) answer.resolve({ url, status, headers: fields, body });
    },
    onResponseData: (_controller, piece) => body.arrive(piece),
    onResponseEnd: () => body.end(),
    onResponseError: (_controller, error) => body.fail(error),
  };
  dispatcher.dispatch({ origin: url.origin, path: url.pathname + url.search, method: 'GET', headers }, handler);
  return answer.promise;
}

interface Reader {
  readonly into: Uint8Array;
  filled: number;
  readonly resolve: (count: number) => void;
  readonly reject: (error: unknown) => void;
}

class ArrivingBody implements Body {
  readonly #signal: AbortSignal;
  readonly #onFailure: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #reader: Reader | undefined;
  /** What came while nobody read: the rest of one piece, and what was on its way when the connection was paused. */
  #held: Buffer[] = [];
  #end: { readonly error: unknown } | 'complete' | undefined;

  constructor(signal: AbortSignal, onFailure: (error: unknown) => void) {
    this.#signal = signal;
    this.#onFailure = onFailure;
    signal.addEventListener('abort', this.#abort);
  }

  read(into: Uint8Array): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#reader = { into, filled: 0, resolve, reject };
    const held = this.#held;
    this.#held = [];
    for (const piece of held) this.#take(piece);
    if (this.#end !== undefined) this.#settle();
    else if (this.#reader !== undefined) {
      if (this.#reader.filled > 0) this.#settle();
      else this.#controller?.resume();
    }
    return promise;
  }

  cancel(): void {
    if (this.#end === undefined) this.#controller?.abort(new Error('no longer wanted'));
    this.fail(new Error('no longer wanted'));
  }

  start(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) this.#abort();
  }

  arrive(piece: Buffer): void {
    // undici flushes its parser with an empty one when it is resumed.
    if (piece.length === 0) return;
    const reading = this.#reader;
    this.#take(piece);
    // More may have come with the same wake-up: what this turn of the loop brings is handed over together.
    if (reading !== undefined && this.#reader === reading && reading.filled === piece.length) {
      setImmediate(() => {
        if (this.#reader === reading) this.#settle();
      });
    }
  }

  end(): void {
    this.#finish('complete');
  }

  fail(error: unknown): void {
    this.#finish({ error });
    this.#onFailure(error);
  }

  #abort = (): void => {
    this.#controller?.abort(this.#signal.reason as Error);
  };

  #finish(end: { readonly error: unknown } | 'complete'): void {
    this.#signal.removeEventListener('abort', this.#abort);
    this.#end ??= end;
    if (this.#reader !== undefined) this.#settle();
  }

  #take(piece: Buffer): void {
    const reader = this.#reader;
    const count = reader === undefined ? 0 : Math.min(piece.length, reader.into.length - reader.filled);
    if (reader !== undefined && count > 0) {
      reader.into.set(count === piece.length ? piece : piece.subarray(0, count), reader.filled);
      reader.filled += count;
    }
    if (count < piece.length) this.#held.push(piece.subarray(count));
    if (reader !== undefined && reader.filled === reader.into.length) this.#settle();
    else if (reader === undefined) this.#controller?.pause();
  }

  /** Ends the read with what there is; an error comes only after the bytes before it. */
  #settle(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    this.#controller?.pause();
    if (reader.filled > 0) reader.resolve(reader.filled);
    else if (this.#end !== undefined && this.#end !== 'complete') reader.reject(this.#end.error);
    else reader.resolve(0);
  }
}

/** One request and its whole answer, on a given connection pool. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

export interface ExchangeRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Runs right before the request is written to its connection; what it throws ends the exchange, and nothing is written. */
  readonly guard: (() => void) | undefined;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type ExchangeResult =
  | { readonly type: 'answered'; readonly answer: Answer }
  /** The guard threw; nothing was written. */
  | { readonly type: 'stopped'; readonly error: unknown }
  /** `sent`: the server may have got the request. */
  | { readonly type: 'broken'; readonly sent: boolean; readonly error: unknown };

export function exchange(pool: Dispatcher, request: ExchangeRequest): Promise<ExchangeResult> {
  const { signal, guard, ...options } = request;
  return new Promise((resolve) => {
    const handler = new AnswerHandler(guard, signal, resolve);
    try {
      pool.dispatch({ ...options, body: options.body ?? null }, handler);
    } catch (error) {
      resolve({ type: 'broken', sent: false, error });
    }
  });
}

/** Collects the answer. undici calls `onRequestStart` when the request has its connection, in the turn in which it writes to it. */
class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #guard: (() => void) | undefined;
  readonly #signal: AbortSignal;
  readonly #resolve: (result: ExchangeResult) => void;
  readonly #chunks: Buffer[] = [];
  readonly #onAbort: () => void;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #sent = false;

  constructor(guard: (() => void) | undefined, signal: AbortSignal, resolve: (result: ExchangeResult) => void) {
    this.#guard = guard;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#onAbort = () => {
      this.#controller?.abort(this.#reason());
      this.#end({ type: 'broken', sent: this.#sent, error: this.#signal.reason });
    };
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) return controller.abort(this.#reason());
    try {
      this.#guard?.();
      this.#sent = true;
    } catch (error) {
      this.#end({ type: 'stopped', error });
      controller.abort(new Error('stopped by its guard'));
    }
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const body = Buffer.concat(this.#chunks).toString('utf8');
    this.#end({ type: 'answered', answer: { status: this.#status, headers: this.#headers, body } });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#end({ type: 'broken', sent: this.#sent, error });
  }

  #end(result: ExchangeResult): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#resolve(result);
  }

  #reason(): Error {
    const reason: unknown = this.#signal.reason;
    return reason instanceof Error ? reason : new Error('aborted');
  }
}

/** What the caller of a failed operation should do next. */
export type Retry =
  | { readonly type: 'backoff' }
  | { readonly type: 'after'; readonly ms: number }
  | { readonly type: 'never' };

export interface VolprimeErrorOptions {
  readonly retry?: Retry;
  readonly cause?: unknown;
}

/**
 * The base of every error that Volprime throws.
 *
 * `code` is a stable CamelCase word: it serves as condition reason, event reason and metric label alike.
 * `message` is for a person; it never carries a secret, a token or a URL with credentials.
 */
export class VolprimeError extends Error {
  readonly code: string;
  readonly retry: Retry;

  constructor(code: string, message: string, options: VolprimeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retry = options.retry ?? { type: 'backoff' };
  }
}

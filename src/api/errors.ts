/**
 * The one base of all errors that Volprime throws on purpose. Expected outcomes (absent, conflict, not ready) are values, not errors.
 *
 * `code` is a stable literal: the same word becomes a condition reason, an event reason and a metric label.
 * `message` is safe to show to users: no bodies, headers, tokens or URLs with credentials.
 */

/** What the caller's loop should do next: retry with growing delays, retry after a known time, or wait until the world changes. */
export type Retry =
  | { readonly type: 'backoff' }
  | { readonly type: 'after'; readonly ms: number }
  | { readonly type: 'never' };

export interface ErrorDetails {
  /** Backoff unless told. */
  readonly retry?: Retry;
  readonly cause?: unknown;
}

/** The same in every copy of this package: a plugin may bring its own, and its errors must still be known for what they are. */
const brand = Symbol.for('volprime.dev/error');

export class VolprimeError extends Error {
  readonly code: string;
  readonly retry: Retry;
  readonly [brand] = true;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.retry = details.retry ?? { type: 'backoff' };
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    const known = Function.prototype[Symbol.hasInstance].call(this, value);
    return known || (this === VolprimeError && typeof value === 'object' && value !== null && brand in value);
  }
}

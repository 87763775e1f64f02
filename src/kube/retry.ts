/** Which tries of a call are worth another one, and when. Pure. */
import { backoffDelay } from './backoff.ts';

/** How one try ended that did not give a final answer. */
export type FailedTry =
  | { readonly type: 'broken'; readonly sent: boolean }
  | { readonly type: 'answered'; readonly status: number; readonly retryAfterMs: number | undefined };

const backoff = { baseMs: 100, capMs: 5_000 };

/** A server that is overloaded says so for as long as it takes; other failures are left to the caller's own loop after a few tries. */
const maxTries = 5;

/** Milliseconds to wait before the next try; undefined: give up. `idempotent`: a second arrival of the request does no harm. */
export function retryDelay(failed: FailedTry, tries: number, idempotent: boolean): number | undefined {
  if (failed.type === 'broken') {
    return (idempotent || !failed.sent) && tries < maxTries ? backoffDelay(backoff, tries) : undefined;
  }
  switch (failed.status) {
    case 429:
      // Refused before it was looked at, whatever the verb.
      return failed.retryAfterMs ?? backoffDelay({ baseMs: 1_000, capMs: 10_000 }, tries);
    case 503:
      if (failed.retryAfterMs !== undefined && tries < maxTries) return failed.retryAfterMs;
      return idempotent && tries < maxTries ? backoffDelay(backoff, tries) : undefined;
    case 500:
    case 502:
    case 504:
      return idempotent && tries < maxTries ? backoffDelay(backoff, tries) : undefined;
    default:
      return undefined;
  }
}

/** Kubernetes sends seconds, never a date. */
export function parseRetryAfter(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,5}$/.test(header) ? Number(header) * 1000 : undefined;
}

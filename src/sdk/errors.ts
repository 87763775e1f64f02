/** The words with which a plugin says what a failure means. Anything else that it throws is retried with backoff. */
import { VolprimeError } from '../api/errors.ts';

/** Try again after `afterMs` milliseconds, whatever the backoff would say. */
export class TemporaryError extends VolprimeError {
  constructor(message: string, afterMs: number, options: { readonly reason?: string; readonly cause?: unknown } = {}) {
    super(options.reason ?? 'PopulateOperationFailed', message, {
      retry: { type: 'after', ms: afterMs },
      cause: options.cause,
    });
  }
}

/**
 * Stop: no later attempt can succeed until the source's spec changes.
 * `reason` is a CamelCase word; it becomes the reason of condition and event.
 */
export class PermanentError extends VolprimeError {
  constructor(reason: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(reason, message, { retry: { type: 'never' }, cause: options.cause });
  }
}

/**
 * This attempt is over and nothing writes to the volume any more: start another one, on a clean volume.
 * A pod-less plugin throws it when the outside work has failed; any other error only repeats the call under the same attempt id.
 */
export class AttemptFailedError extends VolprimeError {
  /** By this the framework knows it, whichever copy of this package made it. */
  readonly attemptOver = true;

  constructor(reason: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(reason, message, options);
  }
}

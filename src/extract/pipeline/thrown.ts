/** Errors on their way from one thread to another: what catches them there must find the same class, code and words. */
import { type Retry, VolprimeError } from '../../api/errors.ts';
import { AttemptFailedError, PermanentError, TemporaryError } from '../../sdk/errors.ts';
import { codeOf } from '../error-code.ts';

/** Plain data. */
export interface Thrown {
  /** Of VolprimeError and its kinds; undefined for what nobody threw on purpose. */
  readonly retry: Retry | undefined;
  readonly attemptOver: boolean;
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: Thrown | undefined;
}

export function toThrown(error: unknown): Thrown {
  const known = error instanceof VolprimeError;
  const { name, message, stack, cause } = error instanceof Error ? error : new Error(String(error));
  return {
    retry: known ? error.retry : undefined,
    attemptOver: error instanceof AttemptFailedError,
    name,
    code: codeOf(error),
    message,
    stack,
    cause: cause === undefined ? undefined : toThrown(cause),
  };
}

export function fromThrown(thrown: Thrown): Error {
  const { retry, stack } = thrown;
  const error = retry === undefined ? foreignError(thrown) : ownError(thrown, retry);
  if (stack !== undefined) error.stack = stack;
  return error;
}

function ownError({ code = '', message, attemptOver, cause }: Thrown, retry: Retry): VolprimeError {
  const details = cause === undefined ? {} : { cause: fromThrown(cause) };
  switch (retry.type) {
    case 'never':
      return new PermanentError(code, message, details);
    case 'after':
      return new TemporaryError(message, retry.ms, { ...details, reason: code });
    case 'backoff':
      return attemptOver
        ? new AttemptFailedError(code, message, details)
        : new VolprimeError(code, message, { ...details, retry });
  }
}

function foreignError({ name, code, message, cause }: Thrown): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: fromThrown(cause) });
  error.name = name;
  return code === undefined ? error : Object.assign(error, { code });
}

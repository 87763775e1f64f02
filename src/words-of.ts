import * as z from 'zod';

/** What is wrong, for a person: a schema's complaints field by field, else the error's own message. */
export function wordsOf(cause: unknown): string {
  if (cause instanceof z.ZodError) return z.prettifyError(cause);
  return cause instanceof Error ? cause.message : String(cause);
}

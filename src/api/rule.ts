/** What a schema's types cannot say, told once for both who check it: the API server, in CEL, and whoever parses the object here. */
import type * as z from 'zod';

export interface Rule<T> {
  /** CEL; `self` is the value. */
  readonly rule: string;
  /** The same of a value that has passed the schema's types and the rules before. */
  readonly holds: (value: T) => boolean;
  /** Names the field and the way out. */
  readonly message: string;
}

/** @returns the schema with the rules, checked in their order up to the first that does not hold. */
export function ruled<S extends z.ZodType>(schema: S, description: string, rules: readonly Rule<z.output<S>>[]): S {
  const checked = rules.reduce<S>(
    (before, { holds, message }) => before.refine(holds, { error: message, abort: true }),
    schema,
  );
  const validations = rules.map(({ rule, message }) => ({ rule, message }));
  return checked.meta({ description, 'x-kubernetes-validations': validations });
}

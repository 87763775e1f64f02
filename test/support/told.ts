import { type Text, unwrap } from '../../src/api/foreign.ts';

/** A message as one who may read all of it does. */
export function told<T extends { readonly message: Text }>(said: T): Omit<T, 'message'> & { readonly message: string } {
  return { ...said, message: unwrap(said.message) };
}

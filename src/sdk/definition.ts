import { PermanentError } from './errors.ts';

/** @throws PermanentError `InvalidPlugin`, naming plugin and field. */
export type Refuse = (field: string, rule: string) => never;

/**
 * How the check of a definition begins, whatever is defined: with the name, by which the plugin is told.
 *
 * @returns how the rest of the check complains.
 * @throws PermanentError `InvalidPlugin` where the name is not lower case letters, digits and "-".
 */
export function refusalsOf(what: 'plugin' | 'snapshot plugin', name: string): Refuse {
  const refuse: Refuse = (field, rule) => {
    throw new PermanentError('InvalidPlugin', `${what} ${JSON.stringify(name)}: ${field} ${rule}`);
  };
  // The types say so; a plugin may be plain JavaScript.
  const named = typeof name === 'string' && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
  if (!named) refuse('name', 'must be lower case letters, digits and "-"');
  return refuse;
}

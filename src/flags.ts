/** Flags as all our programs have them: each has an environment variable too. */
import { Option } from 'commander';

export function flag(flags: string, description: string, env: string): Option {
  return new Option(flags, description).env(env);
}

/** `a,b` as a list; for `argParser`. */
export function list(value: string): string[] {
  return value.split(',').filter((part) => part !== '');
}

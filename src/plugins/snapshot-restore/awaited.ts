/** "Not yet", in the words of `prepare`. */
import { foreign, joined, type Text } from '../../api/foreign.ts';
import type { NotPrepared } from '../../sdk/index.ts';
import type { Written } from '../live-access.ts';

/** A step of the normal course. */
export function preparing(message: Text, pollAfterMs: number): NotPrepared {
  return { done: false, reason: 'Preparing', message: joined(message), mood: 'routine', pollAfterMs };
}

/** Somebody has to do something. */
export function blocked(reason: string, message: Text): NotPrepared {
  return { done: false, reason, message: joined(message), mood: 'blocked', pollAfterMs: 5_000 };
}

/** What to wait for after a write that did not do what it should; undefined where it did. `exists` is the caller's to look into. */
export function afterWrite(written: Written<unknown>, what: string): NotPrepared | undefined {
  switch (written.type) {
    case 'done':
      return undefined;
    case 'refused':
      return blocked(written.reason, [what, foreign(`: ${written.message}`)]);
    case 'absent':
      return preparing(`${what}: its namespace or kind does not exist`, 2_000);
    case 'conflict':
    case 'exists':
      return preparing(`${what} has changed meanwhile`, 100);
  }
}

/** What became of one step of a controller, and how a write's answer is taken in. */
import { foreign, type Text } from '../api/foreign.ts';
import type { KubeObject } from '../api/objects.ts';
import type { Store } from '../informer/index.ts';
import type { WriteOutcome } from '../kube/index.ts';

/** What became of an action. */
export type Outcome =
  /** It holds now, as far as the API server is concerned: decide again at once. */
  | { readonly type: 'done' }
  /** The world is not what the observation said: look again when the caches have caught up. */
  | { readonly type: 'stale'; readonly message: string }
  /** The API server refuses it as things stand: tell the user, try again with backoff. */
  | { readonly type: 'blocked'; readonly reason: string; readonly message: Text };

export const done: Outcome = { type: 'done' };

export function stale(message: string): Outcome {
  return { type: 'stale', message };
}

/** Takes a write's answer into the store, so that the next decision sees it, and says what it means. `exists` is the caller's to explain. */
export function settle<T extends KubeObject>(store: Store<T>, outcome: WriteOutcome<T>, what: string): Outcome {
  switch (outcome.type) {
    case 'done':
      store.merge(outcome.object);
      return done;
    case 'absent':
      return stale(`${what} is gone`);
    case 'conflict':
      return stale(`${what} has changed: ${outcome.message}`);
    case 'exists':
      return stale(`${what} exists already`);
    case 'refused':
      return { type: 'blocked', reason: outcome.reason, message: [what, foreign(`: ${outcome.message}`)] };
  }
}

/** The same for a delete, where "gone" is what was wanted. */
export function settleDelete<T extends KubeObject>(
  store: Store<T>,
  object: T,
  outcome: WriteOutcome<T>,
  what: string,
): Outcome {
  if (outcome.type !== 'absent') return settle(store, outcome, what);
  store.forget(object);
  return done;
}

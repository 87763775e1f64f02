/**
 * List and watch as a state machine, after kube-rs: `step` makes one transition and says what became known by it. It never throws and
 * never waits between tries; the loop around it (reflector.ts) does the waiting and feeds the store.
 *
 *   Empty -> InitPage -> ... -> InitListed -> Watching -> InitListed (the watch ended: resume from the last version)
 *     ^________________________________________|           (410: what we know is too old to resume from)
 *
 * Lists ask for no resourceVersion, so they are consistent reads: a relist never goes back in time.
 */
import type { KubeObject } from '../api/objects.ts';
import { isKubeError, KubeError, type ListPage, type Status, type WatchEvent } from '../kube/index.ts';

export type ListWatchState<T> =
  | { readonly at: 'Empty'; readonly paged: boolean }
  | { readonly at: 'InitPage'; readonly items: readonly T[]; readonly continueToken: string }
  | { readonly at: 'InitListed'; readonly resourceVersion: string; readonly misfires: number }
  | {
      readonly at: 'Watching';
      readonly resourceVersion: string;
      readonly events: AsyncIterator<WatchEvent<T>>;
      readonly silent: boolean;
      /** Watches in a row, before this one, that told nothing but an error which the version they start from may be the cause of. */
      readonly misfires: number;
    };

/** What became known by a step. */
export type Told<T> =
  | { readonly type: 'nothing' }
  | { readonly type: 'listed'; readonly items: readonly T[]; readonly resourceVersion: string }
  | { readonly type: 'changed'; readonly object: T }
  | { readonly type: 'deleted'; readonly object: T }
  | { readonly type: 'bookmark'; readonly resourceVersion: string }
  /** The server ended the watch, as agreed unless it was silent. */
  | { readonly type: 'closed'; readonly silent: boolean }
  | { readonly type: 'failed'; readonly error: unknown };

export interface Step<T> {
  readonly next: ListWatchState<T>;
  readonly told: Told<T>;
}

/** The two calls, bound to one resource, namespace and selector. */
export interface ListWatchPort<T> {
  listPage(page: { limit?: number; continueToken?: string }): Promise<ListPage<T>>;
  watch(resourceVersion: string): AsyncIterable<WatchEvent<T>>;
}

export const pageSize = 500;

/** A server that is away or overloaded is not asked for a list on top; one that cannot tell what follows a version is. */
const misfireLimit = 5;

export function initialState<T>(): ListWatchState<T> {
  return { at: 'Empty', paged: true };
}

export async function step<T extends KubeObject>(state: ListWatchState<T>, port: ListWatchPort<T>): Promise<Step<T>> {
  try {
    switch (state.at) {
      case 'Empty':
        return afterPage([], await port.listPage(state.paged ? { limit: pageSize } : {}));
      case 'InitPage':
        return afterPage(state.items, await port.listPage({ limit: pageSize, continueToken: state.continueToken }));
      case 'InitListed': {
        const { resourceVersion, misfires } = state;
        const events = port.watch(resourceVersion)[Symbol.asyncIterator]();
        return { next: { at: 'Watching', resourceVersion, events, silent: true, misfires }, told: { type: 'nothing' } };
      }
      case 'Watching': {
        const { value: event, done } = await state.events.next();
        if (!done) return await afterEvent(state, event);
        const next = { at: 'InitListed', resourceVersion: state.resourceVersion, misfires: 0 } as const;
        return { next, told: { type: 'closed', silent: state.silent } };
      }
    }
  } catch (error) {
    return { next: afterFailure(state, error), told: { type: 'failed', error } };
  }
}

function afterPage<T>(before: readonly T[], page: ListPage<T>): Step<T> {
  const items = [...before, ...page.items];
  const { continueToken, resourceVersion } = page;
  if (continueToken !== undefined) return { next: { at: 'InitPage', items, continueToken }, told: { type: 'nothing' } };
  return { next: { at: 'InitListed', resourceVersion, misfires: 0 }, told: { type: 'listed', items, resourceVersion } };
}

async function afterEvent<T extends KubeObject>(
  state: ListWatchState<T> & { at: 'Watching' },
  event: WatchEvent<T>,
): Promise<Step<T>> {
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
      return {
        next: advanced(state, event.object.metadata.resourceVersion),
        told: { type: 'changed', object: event.object },
      };
    case 'DELETED':
      return {
        next: advanced(state, event.object.metadata.resourceVersion),
        told: { type: 'deleted', object: event.object },
      };
    case 'BOOKMARK':
      return {
        next: advanced(state, event.resourceVersion),
        told: { type: 'bookmark', resourceVersion: event.resourceVersion },
      };
    case 'ERROR': {
      await state.events.return?.();
      const error = watchError(event.status);
      return { next: afterFailure(state, error), told: { type: 'failed', error } };
    }
  }
}

function advanced<T>(state: ListWatchState<T> & { at: 'Watching' }, resourceVersion: string): ListWatchState<T> {
  return { ...state, resourceVersion, silent: false, misfires: 0 };
}

function afterFailure<T>(state: ListWatchState<T>, error: unknown): ListWatchState<T> {
  const expired = isKubeError(error, 'KUBE_GONE');
  switch (state.at) {
    case 'Empty':
      return state;
    case 'InitPage':
      // One big page cannot expire on the way; a kind so large and busy that pages do would otherwise never be listed.
      return expired ? { at: 'Empty', paged: false } : state;
    case 'InitListed':
    case 'Watching':
      if (expired || isKubeError(error, 'KUBE_NOT_FOUND')) return initialState();
      return afterMisfire(state.resourceVersion, isMisfire(error) ? state.misfires + 1 : state.misfires);
  }
}

function afterMisfire<T>(resourceVersion: string, misfires: number): ListWatchState<T> {
  return misfires >= misfireLimit ? initialState() : { at: 'InitListed', resourceVersion, misfires };
}

function isMisfire(error: unknown): boolean {
  return isKubeError(error, 'KUBE_BAD_ANSWER') || (isKubeError(error, 'KUBE_SERVER_ERROR') && error.httpStatus !== 503);
}

function watchError(status: Status): KubeError {
  const message = `the watch was ended by an error: ${status.message ?? status.reason ?? 'without a reason'}`;
  const expired = status.code === 410 || status.reason === 'Expired' || status.reason === 'Gone';
  const retryAfter = status.details?.retryAfterSeconds;
  return new KubeError(expired ? 'KUBE_GONE' : 'KUBE_SERVER_ERROR', message, {
    verb: 'watch',
    httpStatus: status.code,
    retry: retryAfter === undefined ? { type: 'backoff' } : { type: 'after', ms: retryAfter * 1000 },
  });
}

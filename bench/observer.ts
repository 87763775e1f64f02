/** Waiting for objects, driven by their watches: the time of a change is the time at which this process is told of it. */
import type { KubeObject } from '../src/api/objects.ts';
import type { Informer } from '../src/informer/index.ts';

const LIMIT_MS = 20 * 60_000;
/** How exact the time of a condition over many objects is. */
const LOOK_EVERY_MS = 20;

/** Told of each object by name, once, as soon as it is as wanted. */
export interface Expectation<T> {
  readonly what: string;
  readonly names: readonly string[];
  /** Its own name unless told. */
  readonly nameOf?: (object: T) => string;
  readonly wanted: (object: T) => boolean;
  readonly onEach?: (object: T) => void;
}

/** Resolves when all of them have been seen as wanted. */
export function allSeen<T extends KubeObject>(informer: Informer<T>, expectation: Expectation<T>): Promise<void> {
  const { what, names, nameOf = ({ metadata }) => metadata.name, wanted, onEach } = expectation;
  const open = new Set(names);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () =>
      reject(
        new Error(`${what}: ${open.size} of ${names.length} not within ${LIMIT_MS / 1000} s, such as ${[...open][0]}`),
      ),
    LIMIT_MS,
  );
  const stop = informer.onChange(({ new: object }) => {
    if (object === undefined || !open.has(nameOf(object)) || !wanted(object)) return;
    open.delete(nameOf(object));
    onEach?.(object);
    if (open.size === 0) resolve();
  });
  return promise.finally(() => {
    clearTimeout(timer);
    stop();
  });
}

type Watched = { onChange(handler: () => void): () => void };

/** Resolves when `left` names nothing any more, looked at after changes of these. */
export function nothingLeft(what: string, watched: readonly Watched[], left: () => string | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let last: string | undefined;
  let due: NodeJS.Timeout | undefined;
  const look = () => {
    due = undefined;
    last = left();
    if (last === undefined) resolve();
  };
  const limit = setTimeout(() => reject(new Error(`${what}: not within ${LIMIT_MS / 1000} s; ${last}`)), LIMIT_MS);
  const stops = watched.map((informer) =>
    informer.onChange(() => {
      due ??= setTimeout(look, LOOK_EVERY_MS);
    }),
  );
  look();
  return promise.finally(() => {
    clearTimeout(limit);
    clearTimeout(due);
    for (const stop of stops) stop();
  });
}

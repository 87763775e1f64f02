/** A watch's body: one JSON event a line. */
import type { KubeObject } from '../api/objects.ts';
import { parseStatus } from './answers.ts';
import { KubeError } from './errors.ts';
import type { WatchEvent } from './kube-client.ts';

/** Far above what etcd stores in one object (1.5 MiB by default): only a stream that is no watch has such lines. */
const longestLine = 64 * 1024 * 1024;

/** Splits chunks into lines. A last line without its end is an error: the connection broke in the middle of it. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      yield rest + text.slice(from, end);
      rest = '';
      from = end + 1;
    }
    rest += text.slice(from);
    if (rest.length > longestLine) throw badLine('a line is too long');
  }
  if (rest !== '') throw badLine('the last line is cut off');
}

/** What every line must have; checked by hand, since a schema would copy each object of a busy watch. */
interface RawEvent {
  readonly type: string;
  readonly object: { readonly metadata?: { readonly resourceVersion?: unknown } | undefined };
}

export function parseWatchLine<T extends KubeObject>(line: string): WatchEvent<T> {
  const { type, object } = parseRawEvent(line);
  const version = object.metadata?.resourceVersion;
  switch (type) {
    case 'ERROR':
      return { type, status: parseStatus(object) ?? { message: 'an error without a Status' } };
    case 'BOOKMARK':
      if (typeof version !== 'string') throw badLine('a bookmark without a resourceVersion');
      return { type, resourceVersion: version };
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (typeof version !== 'string') throw badLine('an object without a resourceVersion');
      return { type, object: object as unknown as T };
    default:
      throw badLine('an event of an unknown type');
  }
}

function parseRawEvent(line: string): RawEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    throw badLine('a line is not JSON');
  }
  if (!isRawEvent(event)) throw badLine('a line is not a watch event');
  return event;
}

function isRawEvent(event: unknown): event is RawEvent {
  if (typeof event !== 'object' || event === null || !('type' in event) || !('object' in event)) return false;
  return typeof event.type === 'string' && typeof event.object === 'object' && event.object !== null;
}

function badLine(why: string): KubeError {
  return new KubeError('KUBE_BAD_ANSWER', `watch: ${why}`, { verb: 'watch' });
}

/**
 * A proxy between one controller and the API server: it keeps a list of that controller's writes, and can hold a request on its way, as
 * a slow network would.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Account } from './account.ts';

export interface ApiRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly body: string;
}

/** A request that waits. */
export interface Held {
  /** Resolves once there is one. */
  readonly reached: Promise<ApiRequest>;
  /** Lets it go on. */
  release(): void;
}

export interface ApiProxy extends AsyncDisposable {
  readonly url: string;
  /** All requests but GETs, in the order in which they came. */
  readonly writes: readonly ApiRequest[];
  /** Holds the next request of this kind, and only that one. */
  holdNext(matches: (request: ApiRequest) => boolean): Held;
}

interface Hold extends Held {
  readonly matches: (request: ApiRequest) => boolean;
  take(request: ApiRequest): Promise<void>;
}

export async function startApiProxy(account: Account): Promise<ApiProxy> {
  const writes: ApiRequest[] = [];
  const holds: Hold[] = [];
  const api = new URL(account.server);
  const ca = account.ca === undefined ? undefined : Buffer.from(account.ca, 'base64');

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/' } = incoming;
    const body = await buffer(incoming);
    const request = { method, path: new URL(url, api).pathname, body: body.toString() };
    if (method !== 'GET') writes.push(request);
    const index = holds.findIndex(({ matches }) => matches(request));
    if (index !== -1) await holds.splice(index, 1)[0]?.take(request);
    const headers = { ...incoming.headers, host: api.host, authorization: `Bearer ${account.token}` };
    const onward = httpsRequest(new URL(url, api), { method, headers, ca }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      // A watch that has nothing to tell yet must not look like a server that does not answer.
      outgoing.flushHeaders();
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    onward.end(body);
  };

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    writes,
    holdNext: (matches) => {
      const hold = createHold(matches);
      holds.push(hold);
      return hold;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function createHold(matches: Hold['matches']): Hold {
  const reached = Promise.withResolvers<ApiRequest>();
  const released = Promise.withResolvers<void>();
  return {
    matches,
    reached: reached.promise,
    release: released.resolve,
    take: (request) => {
      reached.resolve(request);
      return released.promise;
    },
  };
}

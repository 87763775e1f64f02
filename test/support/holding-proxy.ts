/** Stands before an HTTP server at an address that others reach, and holds back the requests that a test names. What passes is not changed. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Held requests are neither passed on nor answered until it is disposed of. */
export interface Hold extends Disposable {
  /** How many it holds. */
  readonly count: number;
}

export interface HoldingProxy extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
  /** Requests to come; one hold at a time. */
  hold(which: (method: string, path: string) => boolean): Hold;
}

/** @param target the server's URL. @param host the proxy's own address. */
export async function startHoldingProxy(target: string, host: string): Promise<HoldingProxy> {
  const { hostname, port } = new URL(target);
  let holds: (method: string, path: string) => boolean = () => false;
  let held: (() => void)[] = [];
  const pass = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method, url: path, headers } = incoming;
    const upstream = httpRequest({ host: hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.once('error', () => outgoing.destroy());
    outgoing.once('close', () => upstream.destroy());
    incoming.pipe(upstream);
  };
  const server = createServer((incoming, outgoing) => {
    if (holds(incoming.method ?? '', incoming.url ?? '')) held.push(() => pass(incoming, outgoing));
    else pass(incoming, outgoing);
  }).listen(0, host);
  await once(server, 'listening');
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    hold: (which) => {
      holds = which;
      return {
        get count() {
          return held.length;
        },
        [Symbol.dispose]: () => {
          holds = () => false;
          for (const go of held) go();
          held = [];
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What stands on the way of a download and reads along: plain and TLS servers that answer 404, and the proxies before them. */
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Identity } from './certificates.ts';

export interface Witness extends AsyncDisposable {
  /** Host and port of the server that speaks plain http, and of the one that speaks TLS. */
  readonly plain: string;
  readonly secure: string;
  /** The same of the two proxies. They take every name, and lead to the servers above. */
  readonly plainProxy: string;
  readonly secureProxy: string;
  /** All that was read: request lines, headers, names of client certificates; of every server and proxy. */
  readonly seen: readonly string[];
}

/** @param identity with which the TLS servers present themselves. */
export async function startWitness(identity: Identity): Promise<Witness> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const note = (request: IncomingMessage) => {
    const subject = (request.socket as TLSSocket).getPeerCertificate?.()?.subject?.CN ?? 'none';
    seen.push(`${request.url} ${JSON.stringify(request.headers)} certificate=${String(subject)}`);
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    note(request);
    response.writeHead(404).end();
  };
  const tls = { ...identity, requestCert: true, rejectUnauthorized: false };
  const servers = { plain: createPlain(answer), secure: createSecure(tls, answer) };
  const proxies = { plainProxy: createPlain(answer), secureProxy: createSecure(tls, answer) };
  const started: Record<string, string> = {};
  for (const [name, server] of Object.entries({ ...servers, ...proxies })) {
    server.on('connection', (socket: Socket) => void sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    started[name] = `127.0.0.1:${portOf(server)}`;
  }
  for (const proxy of Object.values(proxies)) {
    proxy.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
      note(request);
      const upstream = connect(portOf(servers.secure), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.write(head);
        upstream.pipe(client).pipe(upstream);
      });
      for (const socket of [upstream, client]) sockets.add(socket.on('error', () => socket.destroy()));
    });
  }
  const { plain = '', secure = '', plainProxy = '' } = started;
  return {
    plain,
    secure,
    plainProxy,
    // undici takes no proxy over TLS whose host is an address.
    secureProxy: `localhost:${portOf(proxies.secureProxy)}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      const all = Object.values({ ...servers, ...proxies });
      await Promise.all(all.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

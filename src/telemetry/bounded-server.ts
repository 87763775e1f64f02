/**
 * An HTTP server that strangers may reach and that costs this process little, whatever they send: few connections, short timeouts, small heads,
 * no bodies. Used for probes and metrics.
 *
 * Guarantees: at most `maxConnections` sockets are open; where one more comes, the oldest is closed, so that connections that are held open keep
 * no kubelet and no Prometheus out. A client that does not read costs its socket and no copy of the answer.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface ServerOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly host?: string | undefined;
  /** Most sockets that are open at a time; 64 unless told. */
  readonly maxConnections?: number;
  /** How long a socket may be silent, in either direction, in milliseconds; 5,000 unless told. */
  readonly idleMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
}

export interface BoundedServer {
  readonly port: number;
  close(): Promise<void>;
}

const MAX_HEAD_BYTES = 8 * 1024;

/** @param answer of a GET for that path; a rejection is a 500. */
export async function serve(
  options: ServerOptions,
  answer: (path: string) => Answer | Promise<Answer>,
): Promise<BoundedServer> {
  const { port, host, maxConnections = 64, idleMs = 5_000 } = options;
  const timeouts = { headersTimeout: idleMs, requestTimeout: idleMs, keepAliveTimeout: idleMs };
  const settings = { ...timeouts, connectionsCheckingInterval: idleMs, maxHeaderSize: MAX_HEAD_BYTES };
  const server = createServer(settings, (request, response) => {
    const path = request.url?.split('?')[0] ?? '/';
    void reply(response, async () => answer(path));
  });
  server.setTimeout(idleMs, (socket) => socket.destroy());
  keepNewest(server, maxConnections);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function reply(response: ServerResponse, answer: () => Promise<Answer>): Promise<void> {
  const { status, type, body } = await answer().catch((error: unknown) =>
    plain(500, error instanceof Error ? error.message : 'unknown failure'),
  );
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}

export function plain(status: number, text: string): Answer {
  return { status, type: 'text/plain', body: `${text}\n` };
}

function keepNewest(server: Server, maxConnections: number): void {
  /** In the order of their arrival. */
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    if (open.size <= maxConnections) return;
    const [oldest] = open;
    if (oldest === undefined) return;
    open.delete(oldest);
    oldest.destroy();
  });
}

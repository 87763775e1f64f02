/** A forward proxy: it answers CONNECT and passes plain requests on, knows some hosts that no name server knows, and refuses all others. */
import { createServer, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ConnectProxy extends AsyncDisposable {
  readonly url: string;
  /** What it was asked for, as `host:port`, in order. */
  readonly asked: readonly string[];
}

export interface ConnectProxyOptions {
  /** Its own address. */
  readonly host: string;
  /** Name of a host → the address at which it is reached. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Any other value of Proxy-Authorization gets 407. */
  readonly authorization?: string;
}

const ASK = { 'proxy-authenticate': 'Basic realm="proxy"' };

export async function startConnectProxy({ host, hosts, authorization }: ConnectProxyOptions): Promise<ConnectProxy> {
  const asked: string[] = [];
  const open = new Set<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket)).on('error', () => socket.destroy());
  };
  const mayPass = (headers: IncomingHttpHeaders) =>
    authorization === undefined || headers['proxy-authorization'] === authorization;
  const server = createServer((request, response) => {
    const { host: address, hostname, port, pathname, search } = new URL(request.url ?? '');
    asked.push(address);
    const to = hosts[hostname];
    if (!mayPass(request.headers)) return response.writeHead(407, ASK).end();
    if (to === undefined) return response.writeHead(403).end();
    const { 'proxy-authorization': _own, ...headers } = request.headers;
    const upstream = httpRequest({ host: to, port, path: pathname + search, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.once('error', () => response.destroy());
    return upstream.end();
  });
  server.on('connection', keep);
  server.on('connect', (request, client: Socket, head) => {
    asked.push(request.url ?? '');
    const [name = '', port = '443'] = (request.url ?? '').split(':');
    const address = hosts[name];
    if (!mayPass(request.headers)) {
      client.end(
        `HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: ${ASK['proxy-authenticate']}\r\n\r\n`,
      );
      return;
    }
    if (address === undefined) {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const upstream = connect(Number(port), address, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    keep(upstream);
    upstream.once('close', () => client.destroy());
    client.once('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

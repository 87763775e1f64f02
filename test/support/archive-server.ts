/**
 * An HTTP(S) server of archives for tests and demonstrations: honest where nothing else is asked of it, and as broken as a route says.
 *
 *     await using server = await startArchiveServer({ host: '127.0.0.1' });
 *     const gate = server.gate();
 *     server.set('/data.tar.gz', { body: archive, gate, gateAfter: 1000 });   // holds the rest until gate.open()
 */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/** What one path answers. Everything but the body is for misbehaving or for being protected. */
export interface Route {
  readonly body?: Buffer;
  /** Default 200, or 302 with `redirectTo`. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly redirectTo?: string;
  /** Any other value of the request's Authorization header gets 401. */
  readonly authorization?: string;
  /** The first so many requests get `status`, the later ones 200. */
  readonly failFirst?: number;
  /** No Content-Length. */
  readonly chunked?: boolean;
  /** A Content-Length that is not the body's. */
  readonly announce?: number;
  /** Breaks the connection after so many bytes of the body. */
  readonly cutAfter?: number;
  readonly bytesPerSecond?: number;
  /** Holds the answer, or what follows `gateAfter` bytes of the body, until the gate is opened. */
  readonly gate?: Gate;
  readonly gateAfter?: number;
  /** Serves parts, as the ETag or Last-Modified of `headers` allows (Range, If-Range). */
  readonly ranges?: boolean;
  /** What the first, second, … request for this path gets instead; the later ones get the route itself. */
  readonly inTurn?: readonly Omit<Route, 'inTurn'>[];
  /** What the nth request for the part from byte `first` on gets instead. */
  readonly parts?: (first: number, nth: number) => Omit<Route, 'parts'> | undefined;
}

export interface Gate {
  open(): void;
  readonly opened: Promise<void>;
  /** Resolves once a request stands before the gate. */
  readonly reached: Promise<void>;
  arrive(): void;
}

export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly remoteAddress: string | undefined;
}

export interface ArchiveServer extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
  readonly requests: readonly LoggedRequest[];
  /** Paths without a route answer 404. */
  set(path: string, route: Route): void;
  gate(): Gate;
  /** Connections that are open now. */
  connections(): Promise<number>;
  /** Breaks all connections. */
  close(): Promise<void>;
}

export interface ArchiveServerOptions {
  readonly host: string;
  /** Default: any free one. */
  readonly port?: number;
  /** The host name in `url`, where it is not `host`. */
  readonly name?: string;
  /** PEM; makes it an https server. With `ca` it serves only those who have a certificate of that authority. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string };
  readonly routes?: Readonly<Record<string, Route>>;
}

const PIECE = 16 * 1024;

export async function startArchiveServer(options: ArchiveServerOptions): Promise<ArchiveServer> {
  const { host, port = 0, tls } = options;
  const routes = new Map(Object.entries(options.routes ?? {}));
  const requests: LoggedRequest[] = [];
  const counts = new Map<string, number>();
  const partRoute = (route: Route, path: string, request: IncomingMessage) => {
    const first = /^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1];
    if (first === undefined) return undefined;
    const part = `${path} from ${first}`;
    const nth = (counts.get(part) ?? 0) + 1;
    counts.set(part, nth);
    return route.parts?.(Number(first), nth);
  };
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const path = new URL(request.url ?? '/', 'http://server').pathname;
    const { method = 'GET', headers } = request;
    requests.push({ method, path: request.url ?? '/', headers, remoteAddress: request.socket.remoteAddress });
    const count = (counts.get(path) ?? 0) + 1;
    counts.set(path, count);
    const route = { ...(routes.get(path) ?? { status: 404 }) };
    Object.assign(route, route.inTurn?.[count - 1], partRoute(route, path, request));
    answer(route, { request, response, count }).catch(() => response.destroy());
  };
  const server =
    tls === undefined
      ? createHttpServer(handle)
      : createHttpsServer({ ...tls, requestCert: tls.ca !== undefined }, handle);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const address = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${options.name ?? host}:${address.port}`,
    requests,
    set: (path, route) => void routes.set(path, route),
    gate: createGate,
    connections: promisify(server.getConnections.bind(server)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Which request for this path it is, from 1. */
  readonly count: number;
}

async function answer(route: Route, { request, response, count }: Exchange): Promise<void> {
  if (route.authorization !== undefined && request.headers.authorization !== route.authorization) {
    response.writeHead(401).end('unauthorized\n');
    return;
  }
  if (route.gate !== undefined && route.gateAfter === undefined) await pass(route.gate);
  const failing = route.failFirst === undefined || count <= route.failFirst;
  const whole = failing ? (route.status ?? (route.redirectTo === undefined ? 200 : 302)) : 200;
  const content = route.body ?? Buffer.from(`${whole}\n`);
  const part = whole === 200 && route.ranges === true ? askedPart(route, request, content.length) : undefined;
  const status = part === undefined ? whole : 206;
  const body = part === undefined ? content : content.subarray(part.first, part.last + 1);
  response.writeHead(status, {
    ...(route.chunked !== true && { 'content-length': route.announce ?? body.length }),
    ...(route.ranges === true && { 'accept-ranges': 'bytes' }),
    ...(part !== undefined && { 'content-range': `bytes ${part.first}-${part.last}/${content.length}` }),
    ...(route.redirectTo !== undefined && { location: route.redirectTo }),
    ...route.headers,
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  await sendBody(route, body, response);
}

/** Undefined: the whole body, since no part is asked for, or not of this version. */
function askedPart(
  route: Route,
  request: IncomingMessage,
  length: number,
): { first: number; last: number } | undefined {
  const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const version = request.headers['if-range'];
  if (asked === null) return undefined;
  if (version !== undefined && version !== route.headers?.['etag'] && version !== route.headers?.['last-modified']) {
    return undefined;
  }
  const last = asked[2] === '' ? length - 1 : Math.min(Number(asked[2]), length - 1);
  return Number(asked[1]) <= last ? { first: Number(asked[1]), last } : undefined;
}

async function sendBody(route: Route, body: Buffer, response: ServerResponse): Promise<void> {
  const { cutAfter = body.length, gateAfter, gate, bytesPerSecond } = route;
  for (let sent = 0; sent < Math.min(cutAfter, body.length); ) {
    if (response.destroyed) return;
    const stops = [sent + PIECE, cutAfter, ...(gateAfter !== undefined && sent < gateAfter ? [gateAfter] : [])];
    const piece = body.subarray(sent, Math.min(...stops));
    if (gate !== undefined && gateAfter !== undefined && sent === gateAfter) await pass(gate);
    await new Promise<void>((resolve) => response.write(piece, () => resolve()));
    sent += piece.length;
    if (bytesPerSecond !== undefined) await delay((piece.length * 1000) / bytesPerSecond);
  }
  if (route.cutAfter !== undefined) response.destroy();
  else if (route.announce === undefined || route.announce <= body.length) response.end();
  else response.destroy();
}

async function pass(gate: Gate): Promise<void> {
  gate.arrive();
  await gate.opened;
}

function createGate(): Gate {
  const opened = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  return { open: opened.resolve, opened: opened.promise, reached: reached.promise, arrive: reached.resolve };
}

/**
 * Stands between a client and a real API server, and spoils what passes as a test tells it. The client speaks plain HTTP to it and needs
 * no credentials; the proxy adds its own. Two ways to spoil: rules for requests to come (`on`), and the watches that are open now (`watches`).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, type Dispatcher } from 'undici';
import { type Access, findAccess } from '../../src/kube/access.ts';
import { currentCredentials } from '../../src/kube/credentials.ts';
import { OpenWatch } from './fault-proxy-watch.ts';
import { type Fault, FaultRules, type HowOften, type Match, matches, type SeenRequest } from './fault-rules.ts';

export type { Fault, HowOften, Match, SeenRequest } from './fault-rules.ts';

export class FaultProxy {
  /** For `connect`. */
  readonly kubeconfig: string;
  readonly requests: SeenRequest[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), 'fault-proxy-'));
  readonly #access: Access;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<OpenWatch>();
  #upstream: Agent | undefined;
  readonly #rules = new FaultRules();
  #down = false;
  #refusals = 0;

  static async start(kubeconfig: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(kubeconfig);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    writeFileSync(proxy.kubeconfig, JSON.stringify(proxy.#kubeconfigContent()), { mode: 0o600 });
    return proxy;
  }

  private constructor(kubeconfig: string) {
    this.#access = findAccess({ kubeconfig });
    this.kubeconfig = join(this.#directory, 'kubeconfig');
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => request.socket.destroy());
    });
    this.#server.on('connection', (socket) => {
      if (this.#down) {
        this.#refusals += 1;
        return socket.resetAndDestroy();
      }
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** Spoils the next matching requests. Rules are asked in the order in which they were made. @returns what takes the rule away again. */
  on(match: Match, fault: Fault, howOften: HowOften = {}): () => void {
    return this.#rules.add(match, fault, howOften);
  }

  /** How many requests the rules still wait for. */
  get pendingFaults(): number {
    return this.#rules.pending;
  }

  /** Requests that rules have spoilt so far. */
  get spoilt(): number {
    return this.#rules.hits;
  }

  /** The watches that are open now, whose path and query match. */
  watches(url: RegExp = /./): readonly OpenWatch[] {
    return [...this.#watches].filter((watch) => url.test(watch.url));
  }

  seen(match: Match): readonly SeenRequest[] {
    return this.requests.filter((request) => matches(match, request));
  }

  /** The API server is away: what is open is reset, and what comes too. */
  down(): void {
    this.#down = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Connections that came while it was away. */
  get refusals(): number {
    return this.#refusals;
  }

  up(): void {
    this.#down = false;
  }

  /** No rules and no requests seen any more. */
  reset(): void {
    this.#rules.clear();
    this.requests.length = 0;
    this.up();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#upstream?.destroy();
    rmSync(this.#directory, { recursive: true });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const body = Buffer.concat(await Array.fromAsync(request));
    const kind = /[?&]watch=true/.test(url) ? 'watch' : 'call';
    const seen: SeenRequest = { method, url, kind, body: body.toString('utf8'), status: undefined };
    this.requests.push(seen);
    const fault = this.#rules.faultFor(seen);
    if (fault?.type === 'answer') return answer(response, fault, seen);
    if (fault?.type === 'stall') return;
    if (fault?.type === 'reset' && fault.when === 'before') return void request.socket.resetAndDestroy();
    if (fault?.type === 'hold' && fault.when === 'before') await fault.until;

    const target = fault?.type === 'rewrite' ? fault.url(url) : url;
    const upstream = await this.#forward({
      method,
      url: target,
      body,
      headers: request.headers,
    });
    upstream.body.on('error', () => request.socket.destroy());
    if (request.socket.destroyed) return void upstream.body.destroy();
    if (fault?.type === 'hold' && fault.when === 'after') await fault.until;
    if (fault?.type === 'reset') {
      await upstream.body.dump();
      request.socket.resetAndDestroy();
      return;
    }
    seen.status = upstream.statusCode;
    response.writeHead(upstream.statusCode, passedOn(upstream.headers));
    if (seen.kind !== 'watch' || upstream.statusCode !== 200) return void upstream.body.pipe(response);
    const watch = new OpenWatch(url, request.socket, response);
    if (fault?.type === 'late') watch.delay(fault.ms);
    return this.#stream(watch, upstream.body);
  }

  async #stream(watch: OpenWatch, body: Dispatcher.ResponseData['body']): Promise<void> {
    watch.onClose(() => {
      this.#watches.delete(watch);
      body.destroy();
    });
    this.#watches.add(watch);
    for await (const chunk of body) watch.forward(chunk as Buffer);
    watch.end();
  }

  async #forward(request: {
    method: Dispatcher.HttpMethod;
    url: string;
    body: Buffer;
    headers: IncomingMessage['headers'];
  }) {
    const { headers, tls } = await currentCredentials(this.#access.credentials, false);
    this.#upstream ??= new Agent({ connect: { ...tls }, bodyTimeout: 0, headersTimeout: 0, allowH2: false });
    const { host: _, connection: __, 'content-length': ___, ...passed } = request.headers;
    return this.#upstream.request({
      origin: this.#access.server.origin,
      path: request.url,
      method: request.method,
      headers: { ...passed, ...headers },
      body: request.body.length > 0 ? request.body : null,
    });
  }

  #kubeconfigContent(): object {
    const { port } = this.#server.address() as AddressInfo;
    return {
      'current-context': 'proxy',
      contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'nobody' } }],
      clusters: [{ name: 'proxy', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'nobody', user: {} }],
    };
  }
}

function answer(response: ServerResponse, fault: Fault & { type: 'answer' }, seen: SeenRequest): void {
  const { status, reason = 'Spoiled', headers = {} } = fault;
  seen.status = status;
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: status,
    reason,
    message: `spoiled: ${reason}`,
  };
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function passedOn(headers: Dispatcher.ResponseData['headers']): Dispatcher.ResponseData['headers'] {
  const { connection: _, 'transfer-encoding': __, 'content-length': ___, ...rest } = headers;
  return rest;
}

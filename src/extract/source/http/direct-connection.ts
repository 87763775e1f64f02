/**
 * One GET over a connection of its own, the body read by the kernel straight into the memory of whoever asks.
 *
 * undici costs three times the processor time: each piece is allocated, copied into its parser, and copied to where it is wanted. This
 * is for large bodies, once undici has found out where they are and that they are of the plainest kind (docs/decisions/0014).
 */
import { connect as connectPlain, isIP, type OnReadOpts, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type AddressGuard, unbracketed } from './address-guard.ts';
import type { Answer, Body } from './answer.ts';
import { MAX_HEAD, parseHead, type ResponseHead } from './response-head.ts';

export interface DirectOptions {
  /** Of the server; each request has its own path. */
  readonly url: URL;
  readonly tls: TlsSettings;
  /** Undefined: every address may be dialled. */
  readonly guard?: AddressGuard | undefined;
  readonly connectMs: number;
  readonly headersMs: number;
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

export interface TlsSettings {
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
}

type Headers = Readonly<Record<string, string>>;

/** One request on a connection that is closed with the body. @returns undefined as `DirectConnection.get` does. */
export function getDirectly(options: DirectOptions, headers: Headers): Promise<Answer | undefined> {
  return new DirectConnection(options).get({ ...headers, connection: 'close' });
}

/**
 * Where bytes land while nobody has given memory for them: the head, and the first of each wake-up. Small, since they are copied once
 * more from here; not too small, since each landing is a system call.
 */
const LANDING = 8 * 1024;

interface Reader {
  readonly into: Uint8Array;
  filled: number;
  readonly resolve: (count: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Requests one after the other: the next when the body of the last was read to its end. */
export class DirectConnection {
  readonly #options: DirectOptions;
  readonly #socket: Socket;
  readonly #landing = Buffer.allocUnsafeSlow(LANDING);
  #settleHead: (head: ResponseHead | undefined) => void = () => undefined;
  /** What has come of the head; undefined while none is awaited. */
  #text: string | undefined;
  /** Bytes of the body that landed with nobody to take them. */
  #rest: Uint8Array = this.#landing.subarray(0, 0);
  /** Bytes of the body that are still to come from the network. */
  #missing = 0;
  #reader: Reader | undefined;
  #failure: unknown;

  #closesWithBody = false;

  constructor(options: DirectOptions) {
    this.#options = options;
    this.#socket = connect(options, {
      // Asked after each callback for the memory of the next read.
      buffer: () => this.#memory(),
      callback: (count, memory) => this.#arrived(memory, count),
    });
    this.#socket.setTimeout(options.connectMs, () => this.#late());
    this.#socket.once('connect', () => this.#socket.setTimeout(options.headersMs));
    this.#socket.once('error', (error) => this.#end(error));
    this.#socket.once('close', () => this.#end(withCode('ECONNRESET', 'closed')));
    options.signal.addEventListener('abort', this.#abort);
    if (options.signal.aborted) this.#abort();
  }

  /** @returns undefined where there was no answer of the kind that this understands; the connection is of no more use then. */
  async get(headers: Headers): Promise<Answer | undefined> {
    if (this.#failure !== undefined) return undefined;
    const { url, headersMs } = this.#options;
    const { promise, resolve } = Promise.withResolvers<ResponseHead | undefined>();
    this.#settleHead = resolve;
    this.#text = '';
    this.#closesWithBody = headers['connection'] === 'close';
    this.#socket.write(requestText(url, headers), 'latin1');
    if (!this.#socket.connecting) this.#socket.setTimeout(headersMs);
    this.#socket.resume();
    const head = await promise;
    if (head === undefined) return undefined;
    const body: Body = { read: (into) => this.#read(into), cancel: () => this.close() };
    return { url, status: head.status, headers: head.headers, body };
  }

  close(): void {
    this.#end(new Error('no longer wanted'));
  }

  #read(into: Uint8Array): Promise<number> {
    const rest = this.#rest;
    if (rest.length > 0) {
      const count = Math.min(rest.length, into.length);
      into.set(rest.subarray(0, count));
      this.#rest = rest.subarray(count);
      return Promise.resolve(count);
    }
    if (this.#missing === 0) return Promise.resolve(0);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#reader = { into, filled: 0, resolve, reject };
    this.#socket.setTimeout(this.#options.idleMs);
    this.#socket.resume();
    return promise;
  }

  /** Never what was handed back to its owner: the next bytes would land in it while the owner uses it. */
  #memory(): Uint8Array {
    const reader = this.#reader;
    if (reader === undefined) return this.#landing;
    return reader.into.subarray(reader.filled, reader.filled + this.#missing);
  }

  /** @returns whether to go on reading. */
  #arrived(memory: Uint8Array, count: number): boolean {
    if (this.#text !== undefined) return this.#arrivedHead(count);
    const reader = this.#reader;
    if (reader === undefined || count > this.#missing) {
      this.#end(withCode('EPROTO', 'more bytes than announced'));
      return false;
    }
    let taken = count;
    if (memory === this.#landing) {
      taken = Math.min(count, reader.into.length - reader.filled);
      reader.into.set(this.#landing.subarray(0, taken), reader.filled);
      this.#rest = this.#landing.subarray(taken, count);
    }
    reader.filled += taken;
    this.#missing -= count;
    const drained = count < memory.length;
    if (!drained && reader.filled < reader.into.length && this.#missing > 0) return true;
    this.#settle();
    if (this.#missing === 0 && this.#closesWithBody) this.close();
    return false;
  }

  #arrivedHead(count: number): boolean {
    const before = (this.#text ?? '').length;
    const text = this.#text + this.#landing.toString('latin1', 0, count);
    this.#text = text;
    const end = text.indexOf('\r\n\r\n');
    if (end < 0 && text.length < MAX_HEAD) return true;
    const head = end < 0 ? undefined : parseHead(text.slice(0, end));
    const rest = this.#landing.subarray(end + 4 - before, count);
    if (head === undefined || rest.length > head.length) {
      this.#end(withCode('EPROTO', 'another kind of answer'));
      return false;
    }
    this.#text = undefined;
    this.#rest = rest;
    this.#missing = head.length - rest.length;
    this.#closesWithBody ||= head.headers['connection']?.toLowerCase() === 'close';
    this.#settleHead(head);
    return false;
  }

  /** While nobody reads it is not the server that keeps us waiting. */
  #late(): void {
    if (this.#text !== undefined || this.#reader !== undefined) this.#end(withCode('ETIMEDOUT', 'no bytes in time'));
  }

  readonly #abort = (): void => this.#end(this.#options.signal.reason);

  #end(failure: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#options.signal.removeEventListener('abort', this.#abort);
    this.#socket.destroy();
    this.#settleHead(undefined);
    this.#settle();
  }

  /** Ends the read with what there is; a failure comes only after the bytes before it. */
  #settle(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    if (reader.filled > 0) reader.resolve(reader.filled);
    else reader.reject(this.#failure);
  }
}

function connect({ url, tls, guard }: DirectOptions, onread: OnReadOpts): Socket {
  const host = unbracketed(url.hostname);
  const refusal = guard?.refusalOf(host);
  if (refusal !== undefined) return new Socket().destroy(refusal);
  const lookup = guard && { lookup: guard.lookup };
  if (url.protocol === 'http:') return connectPlain({ host, port: Number(url.port || 80), onread, ...lookup });
  const servername = isIP(host) === 0 ? host : '';
  // The type of tls.connect lacks the option, which it hands to the socket as net.connect does.
  const port = Number(url.port || 443);
  const options = { ...tls, ...lookup, host, port, servername, ALPNProtocols: ['http/1.1'], onread };
  return connectTls(options);
}

function requestText(url: URL, headers: Headers): string {
  const fields = Object.entries({ host: url.host, ...headers });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

function withCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

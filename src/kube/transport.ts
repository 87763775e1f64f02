/** Requests to one API server: credentials on each, retries where they do no harm, one time limit for all tries, and a count of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import type { Counter, Logger, Metrics } from '../telemetry/index.ts';
import type { Access } from './access.ts';
import { type Credentials, currentCredentials } from './credentials.ts';
import { isKubeError, KubeError } from './errors.ts';
import { type Answer, type ExchangeRequest, type ExchangeResult, exchange } from './exchange.ts';
import type { CallOptions } from './kube-client.ts';
import { Pools } from './pools.ts';
import type { RateLimit } from './rate-limit.ts';
import { type FailedTry, parseRetryAfter, retryDelay } from './retry.ts';

/** What a call is, apart from where it goes; named in errors. */
export interface Call {
  readonly verb: string;
  readonly resource: string | undefined;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object | undefined;
  readonly contentType?: string | undefined;
  readonly accept?: string | undefined;
  /** A second arrival of this request does no harm. */
  readonly idempotent: boolean;
}

export interface TransportOptions {
  readonly access: Access;
  readonly userAgent: string;
  readonly rateLimit: RateLimit;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export interface OpenAnswer extends Omit<Answer, 'body'> {
  readonly body: AsyncIterable<Uint8Array> & { text(): Promise<string> };
}

export interface SocketTarget {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

const defaultTimeoutMs = 30_000;

export class Transport {
  readonly #options: TransportOptions;
  readonly #pools: Pools;
  readonly #requests: Counter;
  /** The last watch was answered with 401: what it was opened with is not to be trusted by the next request. */
  #refused = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#pools = new Pools({ proxy: options.access.proxy, calls: { connections: 40 } });
    this.#requests = options.metrics.counter({
      name: 'rest_client_requests_total',
      help: 'Requests to the API server by answer, method and host.',
      labels: ['code', 'method', 'host'],
    });
  }

  /** The answer, whatever its status, once no retry can better it. Throws KubeError when there is none. */
  async send(call: Call, options: CallOptions = {}): Promise<Answer> {
    const limit = new TimeLimit(options.timeoutMs ?? defaultTimeoutMs, options.signal);
    try {
      return await this.#sendWithin(limit, call, options.guard);
    } finally {
      limit.clear();
    }
  }

  /** A stream of the body's chunks. No retries: who reads it has a loop of its own. */
  async open(call: Call, signal: AbortSignal): Promise<OpenAnswer> {
    const { headers, tls } = await this.#credentials(false);
    try {
      const answer = await this.#pools
        .for(tls)
        .watches.request({ ...this.#request(call, headers), body: null, signal });
      this.#count(call, String(answer.statusCode));
      this.#refused = answer.statusCode === 401;
      return { status: answer.statusCode, headers: answer.headers, body: answer.body };
    } catch (error) {
      this.#count(call, '<error>');
      throw brokenError(call, error);
    }
  }

  /** Where a WebSocket for this call is to be opened, and with what. */
  async socketTarget(call: Call): Promise<SocketTarget> {
    const { headers, tls } = await this.#credentials(false);
    const { origin, path, headers: all } = this.#request(call, headers);
    const { accept: _, ...rest } = all;
    return {
      url: new URL(path, origin.replace(/^http/, 'ws')),
      headers: rest,
      dispatcher: this.#pools.for(tls).watches,
    };
  }

  close(): Promise<void> {
    return this.#pools.close();
  }

  async #sendWithin(limit: TimeLimit, call: Call, guard: (() => void) | undefined): Promise<Answer> {
    let fresh = false;
    for (let tries = 1; ; tries += 1) {
      const result = await this.#try(limit, call, { guard, fresh });
      if (result.type === 'stopped') throw result.error;
      if (limit.signal.aborted) throw limit.error(call);
      if (result.type === 'broken' && isKubeError(result.error)) throw result.error;
      if (result.type === 'answered' && result.answer.status === 401 && !fresh) {
        fresh = true;
        continue;
      }
      const delay = retryDelay(failedTry(result), tries, call.idempotent);
      if (delay === undefined || delay > limit.leftMs) {
        if (result.type === 'answered') return result.answer;
        throw brokenError(call, result.error);
      }
      this.#options.logger.debug('request is tried again', { verb: call.verb, resource: call.resource, tries, delay });
      await sleep(delay, undefined, { signal: limit.signal }).catch(() => {
        throw limit.error(call);
      });
    }
  }

  async #try(
    limit: TimeLimit,
    call: Call,
    how: { guard: (() => void) | undefined; fresh: boolean },
  ): Promise<ExchangeResult> {
    try {
      await this.#options.rateLimit.take(limit.signal);
      const { headers, tls } = await this.#credentials(how.fresh);
      if (limit.signal.aborted) return { type: 'broken', sent: false, error: limit.signal.reason };
      const request = { ...this.#request(call, headers), guard: how.guard, signal: limit.signal };
      const result = await exchange(this.#pools.for(tls).calls, request);
      if (result.type === 'answered') this.#count(call, String(result.answer.status));
      if (result.type === 'broken') this.#count(call, '<error>');
      return result;
    } catch (error) {
      return { type: 'broken', sent: false, error };
    }
  }

  #credentials(fresh: boolean): Promise<Credentials> {
    const refused = this.#refused;
    this.#refused = false;
    return currentCredentials(this.#options.access.credentials, fresh || refused);
  }

  #request(call: Call, credentials: Credentials['headers']): Omit<ExchangeRequest, 'guard' | 'signal'> {
    const { server } = this.#options.access;
    return {
      origin: server.origin,
      path: `${server.pathname.replace(/\/$/, '')}${call.path}`,
      method: call.method,
      headers: {
        ...credentials,
        'user-agent': this.#options.userAgent,
        accept: call.accept ?? 'application/json',
        ...(call.body !== undefined && { 'content-type': call.contentType ?? 'application/json' }),
      },
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
    };
  }

  #count(call: Call, code: string): void {
    this.#requests.inc({ code, method: call.method, host: this.#options.access.server.host });
  }
}

function failedTry(result: Exclude<ExchangeResult, { type: 'stopped' }>): FailedTry {
  if (result.type === 'broken') return result;
  const { status, headers } = result.answer;
  const retryAfter = headers['retry-after'];
  return { type: 'answered', status, retryAfterMs: parseRetryAfter(retryAfter) };
}

export function brokenError(call: Call, error: unknown): KubeError {
  if (isKubeError(error)) return error;
  const { verb, resource } = call;
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  const why = typeof code === 'string' ? code : 'connection failed';
  return new KubeError(
    'KUBE_UNREACHABLE',
    `${verb} ${resource ?? call.path}: the API server cannot be reached (${why})`,
    {
      verb,
      resource,
      // Not the error itself: undici's hold the socket, the request and its headers.
      cause: error instanceof Error ? new Error(error.message) : undefined,
    },
  );
}

/** The time of one call and the caller's signal, as one signal. */
class TimeLimit {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #endsAt: number;
  readonly #timeoutMs: number;
  readonly #outer: AbortSignal | undefined;
  readonly #onOuter = () => this.#controller.abort();

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#endsAt = performance.now() + timeoutMs;
    this.#timer = setTimeout(() => this.#controller.abort(), timeoutMs);
    this.#outer = outer;
    if (outer?.aborted) this.#onOuter();
    outer?.addEventListener('abort', this.#onOuter, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get leftMs(): number {
    return this.#endsAt - performance.now();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onOuter);
  }

  error({ verb, resource, path }: Call): KubeError {
    const subject = `${verb} ${resource ?? path}`;
    if (this.#outer?.aborted) {
      return new KubeError('KUBE_ABORTED', `${subject}: stopped by the caller`, {
        verb,
        resource,
        cause: this.#outer.reason,
      });
    }
    return new KubeError('KUBE_TIMEOUT', `${subject}: no answer within ${this.#timeoutMs} ms`, { verb, resource });
  }
}

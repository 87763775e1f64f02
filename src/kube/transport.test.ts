/** The transport against a real HTTP server of this process, which answers as each test tells it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createMetrics, type Metrics } from '../telemetry/index.ts';
import { recordingLogger } from '../../test/support/recording-logger.ts';
import type { CredentialSources } from './credentials.ts';
import { noRateLimit } from './rate-limit.ts';
import { type Call, Transport } from './transport.ts';

type Responder = (request: IncomingMessage, response: ServerResponse, nth: number) => void;

let server: Server;
let responder: Responder;
let requests: { method: string | undefined; authorization: string | undefined }[];
let connections: number;
let metrics: Metrics;
let transport: Transport;

beforeEach(async () => {
  requests = [];
  connections = 0;
  metrics = createMetrics();
  server = createServer((request, response) => {
    requests.push({ method: request.method, authorization: request.headers.authorization });
    responder(request, response, requests.length);
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  transport = transportTo({ headers: {}, insecure: false });
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await transport.close();
});

function transportTo(credentials: CredentialSources): Transport {
  const { port } = server.address() as AddressInfo;
  const access = { server: new URL(`http://127.0.0.1:${port}`), credentials };
  return new Transport({ access, userAgent: 'test', rateLimit: noRateLimit, metrics, logger: recordingLogger() });
}

const get: Call = { verb: 'get', resource: 'pods', method: 'GET', path: '/x', idempotent: true };
const generate: Call = {
  verb: 'create',
  resource: 'pods',
  method: 'POST',
  path: '/x',
  body: { a: 1 },
  idempotent: false,
};
const named: Call = { ...generate, idempotent: true };

const ok: Responder = (_, response) => response.end('{}');
const failsOnce =
  (status: number, headers: Record<string, string> = {}): Responder =>
  (request, response, nth) =>
    nth === 1 ? response.writeHead(status, headers).end() : ok(request, response, nth);
const resetsOnce: Responder = (request, response, nth) =>
  nth === 1 ? request.socket.resetAndDestroy() : ok(request, response, nth);

describe('retries', () => {
  test.each<[string, Call, Responder, number, number | string]>([
    ['a 500 on a read', get, failsOnce(500), 2, 200],
    ['a reset on a read', get, resetsOnce, 2, 200],
    ['a reset on a create with a fixed name', named, resetsOnce, 2, 200],
    ['a 429 on any create', generate, failsOnce(429, { 'retry-after': '0' }), 2, 200],
    ['a 503 with Retry-After on any create', generate, failsOnce(503, { 'retry-after': '0' }), 2, 200],
    ['no reset of a create with a generated name', generate, resetsOnce, 1, 'KUBE_UNREACHABLE'],
    ['no 500 on a create with a generated name', generate, failsOnce(500), 1, 500],
    ['no 404', get, failsOnce(404), 1, 404],
    ['no 409', get, failsOnce(409), 1, 409],
  ])('%s', async (_, call, respond, expectedRequests, expected) => {
    responder = respond;
    const result = await transport.send(call).then(
      ({ status }) => status,
      (error: { code: string }) => error.code,
    );
    expect([result, requests.length]).toEqual([expected, expectedRequests]);
  });

  test('a server that stays broken is given up after a few tries, with its last answer', async () => {
    responder = (_, response) => response.writeHead(500).end('broken');
    expect(await transport.send(get)).toMatchObject({ status: 500, body: 'broken' });
    expect(requests).toHaveLength(5);
  });

  test('a Retry-After beyond the time of the call is not waited for', async () => {
    responder = failsOnce(429, { 'retry-after': '60' });
    expect(await transport.send(get, { timeoutMs: 1000 })).toMatchObject({ status: 429 });
    expect(requests).toHaveLength(1);
  });

  test('a server that is not there is unreachable', async () => {
    await new Promise((resolve) => server.close(resolve));
    await expect(transport.send(generate)).rejects.toMatchObject({
      code: 'KUBE_UNREACHABLE',
      verb: 'create',
      resource: 'pods',
    });
  });
});

describe('the time limit', () => {
  const silence: Responder = () => {};

  test('ends a call that gets no answer', async () => {
    responder = silence;
    await expect(transport.send(get, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' });
  });

  test('ends a call whose answer stands still halfway', async () => {
    responder = (_, response) => response.writeHead(200, { 'content-length': '100' }).write('half');
    await expect(transport.send(get, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' });
  });

  test('is not the only thing that ends a call: the caller may', async () => {
    const caller = new AbortController();
    responder = () => caller.abort();
    await expect(transport.send(get, { signal: caller.signal })).rejects.toMatchObject({ code: 'KUBE_ABORTED' });
  });

  test('a caller who has stopped before sends nothing', async () => {
    responder = ok;
    await expect(transport.send(get, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'KUBE_ABORTED' });
    expect(requests).toEqual([]);
  });

  test('a caller who stops between two tries ends the wait', async () => {
    const caller = new AbortController();
    responder = (_, response) => {
      response.writeHead(429, { 'retry-after': '20' }).end();
      setImmediate(() => caller.abort());
    };
    await expect(transport.send(get, { signal: caller.signal })).rejects.toMatchObject({ code: 'KUBE_ABORTED' });
  });

  test('an answer that is cut off is not taken for a whole one', async () => {
    responder = (request, response, nth) => {
      if (nth > 1) return ok(request, response, nth);
      response.writeHead(200, { 'content-length': '100' }).write('half', () => request.socket.resetAndDestroy());
    };
    expect(await transport.send(get)).toMatchObject({ status: 200, body: '{}' });
    expect(requests).toHaveLength(2);
  });
});

describe('the guard', () => {
  test('is asked before each try, and what it throws ends the call with nothing written', async () => {
    const lost = new Error('leadership lost');
    let asked = 0;
    responder = (_, response) => response.writeHead(500).end();
    const guard = () => {
      asked += 1;
      if (asked === 3) throw lost;
    };
    await expect(transport.send(named, { guard })).rejects.toBe(lost);
    expect([asked, requests.length]).toEqual([3, 2]);
  });
});

describe('credentials', () => {
  test('a refused token is read anew, once', async () => {
    const tokens = ['old', 'new'];
    let token = tokens.shift() ?? '';
    await transport.close();
    transport = transportTo({
      headers: {},
      insecure: false,
      token: (fresh) => {
        if (fresh) token = tokens.shift() ?? token;
        return Promise.resolve(token);
      },
    });
    responder = (request, response) =>
      response.writeHead(request.headers.authorization === 'Bearer new' ? 200 : 401).end('{}');
    expect(await transport.send(generate)).toMatchObject({ status: 200 });
    expect(requests.map(({ authorization }) => authorization)).toEqual(['Bearer old', 'Bearer new']);
  });

  test('a token that a watch was refused with is read anew for the next', async () => {
    const asked: boolean[] = [];
    await transport.close();
    const token = (fresh: boolean) => {
      asked.push(fresh);
      return Promise.resolve('t');
    };
    transport = transportTo({ headers: {}, insecure: false, token });
    responder = failsOnce(401);
    for (let nth = 0; nth < 3; nth += 1) {
      const { body } = await transport.open(get, new AbortController().signal);
      await body.text();
    }
    expect(asked).toEqual([false, true, false]);
  });

  test('a token that stays refused is answered with 401', async () => {
    responder = (_, response) => response.writeHead(401).end();
    expect(await transport.send(get)).toMatchObject({ status: 401 });
    expect(requests).toHaveLength(2);
  });
});

describe('connections', () => {
  // Two, since the pool learns a moment after the caller that a connection is free again.
  test('a hundred calls in a row share two at most', async () => {
    responder = ok;
    for (let call = 0; call < 100; call += 1) await transport.send(get);
    expect(requests).toHaveLength(100);
    expect(connections).toBeLessThanOrEqual(2);
  });
});

describe('what is counted', () => {
  test('every try, by its answer', async () => {
    responder = resetsOnce;
    await transport.send(get);
    const { port } = server.address() as AddressInfo;
    const text = await metrics.text();
    expect(text).toContain(`rest_client_requests_total{code="<error>",method="GET",host="127.0.0.1:${port}"} 1`);
    expect(text).toContain(`rest_client_requests_total{code="200",method="GET",host="127.0.0.1:${port}"} 1`);
  });
});

describe('open', () => {
  test('gives the body as it comes, and ends when the caller does', async () => {
    const caller = new AbortController();
    responder = (_, response) => response.writeHead(200).write('first\n');
    const { status, body } = await transport.open({ ...get, verb: 'watch' }, caller.signal);
    const chunks = body[Symbol.asyncIterator]();
    expect([status, String((await chunks.next()).value)]).toEqual([200, 'first\n']);
    caller.abort();
    await expect(chunks.next()).rejects.toThrow();
  });

  test('a connection that cannot be made is unreachable', async () => {
    await new Promise((resolve) => server.close(resolve));
    await expect(transport.open(get, new AbortController().signal)).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE' });
  });
});

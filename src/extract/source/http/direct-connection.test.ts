import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createAuthority } from '../../../../test/support/certificates.ts';
import type { Answer } from './answer.ts';
import { DirectConnection, type DirectOptions, getDirectly } from './direct-connection.ts';

const body = randomBytes(500_000);
const head = (length: number) => `HTTP/1.1 200 OK\r\nETag: "v1"\r\nContent-Length: ${length}\r\n\r\n`;
const limits = { connectMs: 2000, headersMs: 300, idleMs: 300 };

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<URL> {
  servers.push(server);
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a?b=c`);
}

/** Answers whatever comes first with `say`. */
async function get(say: (socket: Socket) => void, options: Partial<DirectOptions> = {}): Promise<Answer | undefined> {
  const url = await listen(createPlainServer((socket) => void socket.once('data', () => say(socket))));
  return getDirectly({ url, tls: {}, signal: AbortSignal.timeout(10_000), ...limits, ...options }, {});
}

const answering =
  (...pieces: readonly (string | Buffer)[]) =>
  (socket: Socket) => {
    for (const piece of pieces) socket.write(piece);
  };

async function readAll(answer: Answer | undefined, size: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (;;) {
    const into = Buffer.alloc(size);
    const count = (await answer?.body.read(into)) ?? 0;
    if (count === 0) return Buffer.concat(pieces);
    pieces.push(into.subarray(0, count));
  }
}

describe('the body is what was sent', () => {
  test.each([100, 8192, 70_001, 262_144, 1_000_000])('read by pieces of %i', async (size) => {
    const answer = await get(answering(head(body.length), body));
    expect(answer?.status).toBe(200);
    expect(answer?.headers).toMatchObject({ etag: '"v1"' });
    expect((await readAll(answer, size)).equals(body)).toBe(true);
    expect(await answer?.body.read(Buffer.alloc(1))).toBe(0);
  });

  test('with a head in pieces, one of them with the first bytes', async () => {
    const [first, second] = [head(body.length).slice(0, -2), head(body.length).slice(-2)];
    const answer = await get((socket) => {
      socket.write(first);
      setImmediate(() => socket.write(Buffer.concat([Buffer.from(second), body])));
    });
    expect((await readAll(answer, 70_001)).equals(body)).toBe(true);
  });

  test('over TLS', async () => {
    const work = mkdtempSync(join(tmpdir(), 'direct-'));
    try {
      const authority = createAuthority(work);
      const server = createTlsServer(authority.issue('server'), (socket) => {
        socket.once('data', () => answering(head(body.length), body)(socket));
      });
      const url = await listen(server);
      url.protocol = 'https:';
      const options = { url, signal: AbortSignal.timeout(10_000), ...limits };
      const answer = await getDirectly({ ...options, tls: { ca: [authority.cert] } }, {});
      expect((await readAll(answer, 262_144)).equals(body)).toBe(true);
      expect(await getDirectly({ ...options, tls: {} }, {})).toBeUndefined();
    } finally {
      rmSync(work, { recursive: true });
    }
  });
});

test('the request is what was asked for', async () => {
  const said = Promise.withResolvers<string>();
  const url = await listen(
    createPlainServer((socket) => void socket.once('data', (data) => said.resolve(String(data)))),
  );
  const stop = new AbortController();
  const asked = getDirectly({ url, tls: {}, signal: stop.signal, ...limits }, { range: 'bytes=5-' });
  expect(await said.promise).toBe(
    `GET /a?b=c HTTP/1.1\r\nhost: ${url.host}\r\nrange: bytes=5-\r\nconnection: close\r\n\r\n`,
  );
  stop.abort();
  expect(await asked).toBeUndefined();
});

test('memory that was handed back is not written to', async () => {
  const answer = await get(answering(head(body.length), body));
  const slots = Array.from({ length: 2 }, () => Buffer.alloc(20_000));
  let position = 0;
  for (let turn = 0; position < body.length; turn++) {
    const [slot, last] = [slots[turn % 2], slots[(turn + 1) % 2]] as [Buffer, Buffer];
    const before = Buffer.from(last);
    const count = (await answer?.body.read(slot)) ?? 0;
    expect(last.equals(before)).toBe(true);
    expect(slot.subarray(0, count).equals(body.subarray(position, position + count))).toBe(true);
    position += count;
  }
});

test('requests follow each other on one connection', async () => {
  const parts = [body.subarray(0, 90_000), body.subarray(90_000, 91_000), body.subarray(91_000)];
  let asked = 0;
  const server = createPlainServer((socket) => {
    socket.on('data', () => {
      const part = parts[asked++] ?? Buffer.alloc(0);
      answering(head(part.length), part)(socket);
    });
  });
  const url = await listen(server);
  const connection = new DirectConnection({ url, tls: {}, signal: AbortSignal.timeout(10_000), ...limits });
  for (const part of parts) expect((await readAll(await connection.get({}), 30_000)).equals(part)).toBe(true);
  expect(sockets).toHaveLength(1);
  connection.close();
  expect(await connection.get({})).toBeUndefined();
});

describe('left to undici is', () => {
  const odd: [what: string, text: string][] = [
    ['a chunked body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    [
      'a chunked body that says a length',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0',
    ],
    ['a body of no length', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n'],
    ['an early hint', `HTTP/1.1 103 Early Hints\r\n\r\n${head(0)}`],
    ['a redirect', 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /\r\n\r\n'],
    ['a refusal', 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'],
    ['an older protocol', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['a folded field', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: a\r\n b\r\n\r\n'],
    ['a field without a colon', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nnonsense\r\n\r\n'],
    ['a field with a space in its name', 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n'],
    ['bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
    ['a head without an end', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(5000)}`],
    ['more than was announced', `${head(3)}four`],
  ];
  test.each(odd)('%s', async (_what, text) => {
    expect(await get(answering(text))).toBeUndefined();
  });

  test('a server that hangs up, that says nothing, that is not there', async () => {
    expect(await get((socket) => socket.end())).toBeUndefined();
    expect(await get(() => undefined)).toBeUndefined();
    const url = new URL('http://127.0.0.1:1/');
    expect(await getDirectly({ url, tls: {}, signal: AbortSignal.timeout(10_000), ...limits }, {})).toBeUndefined();
  });
});

describe('a body that breaks gives what came, then an error', () => {
  const part = body.subarray(0, 1000);

  test.each<[string, (socket: Socket) => void, string]>([
    ['when the server ends it', (socket) => socket.end(), 'ECONNRESET'],
    ['when the server breaks the connection', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
    ['when nothing comes', () => undefined, 'ETIMEDOUT'],
  ])('%s', async (_what, act, code) => {
    const connection = Promise.withResolvers<Socket>();
    const answer = await get((socket) => {
      answering(head(body.length), part)(socket);
      connection.resolve(socket);
    });
    const into = Buffer.alloc(1000);
    let count = 0;
    while (count < part.length) count += (await answer?.body.read(into.subarray(count))) ?? 0;
    expect(into.equals(part)).toBe(true);
    const failed = expect(answer?.body.read(into)).rejects.toMatchObject({ code });
    act(await connection.promise);
    await failed;
    await expect(answer?.body.read(into)).rejects.toMatchObject({ code });
  });

  test('when it is aborted or cancelled', async () => {
    const stop = new AbortController();
    const answer = await get(answering(head(body.length)), { signal: stop.signal });
    const failed = expect(answer?.body.read(Buffer.alloc(9))).rejects.toThrow('enough');
    stop.abort(new Error('enough'));
    await failed;
    const another = await get(answering(head(body.length)));
    another?.body.cancel();
    await expect(another?.body.read(Buffer.alloc(9))).rejects.toThrow('no longer wanted');
  });

  test('not while nobody reads, however long that takes', async () => {
    const answer = await get(answering(head(body.length), body), { idleMs: 20 });
    await answer?.body.read(Buffer.alloc(1));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await readAll(answer, 70_001)).equals(body.subarray(1))).toBe(true);
  });
});

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { type BoundedServer, plain, type ServerOptions, serve } from './bounded-server.ts';

let server: BoundedServer;
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await server.close();
});

async function start(options: Partial<ServerOptions> = {}, body: string | Buffer = 'hello'): Promise<void> {
  const answer = (path: string) => {
    if (path === '/broken') throw new Error('the answer cannot be made');
    return { ...plain(200, ''), body };
  };
  server = await serve({ port: 0, host: '127.0.0.1', ...options }, answer);
}

async function open(text = ''): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1').on('error', () => {});
  sockets.push(socket);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

const ask = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { connection: 'close' } });
  return { status: response.status, text: await response.text() };
};

describe('a bounded server', () => {
  test('answers while far more connections are held open than it keeps, and closes the oldest', async () => {
    await start({ maxConnections: 4, idleMs: 60_000 });
    const held = await Promise.all(Array.from({ length: 100 }, () => open('GET / HTTP/1.1\r\n')));
    expect(await ask('/')).toEqual({ status: 200, text: 'hello' });
    await eventually(
      'all but three to be closed',
      () => held.filter(({ destroyed, readableEnded }) => !destroyed && !readableEnded).length,
      (count) => count <= 3,
    );
  });

  test('closes a connection that never sends its request', async () => {
    await start({ idleMs: 50 });
    const silent = await open('GET / HTTP/1.1\r\n');
    silent.resume();
    await once(silent, 'close');
    expect((await ask('/')).status).toBe(200);
  });

  test('closes a connection that does not read its answer', async () => {
    await start({ idleMs: 50 }, Buffer.alloc(64 * 1024 * 1024, 'x'));
    const deaf = await open('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    deaf.pause();
    // One after the other, each closed for the same silence: Node grants a socket with bytes to send a second look.
    for (const _ of [1, 2, 3, 4]) {
      const silent = await open();
      silent.resume();
      await once(silent, 'close');
    }
    let bytes = 0;
    deaf.on('data', (data) => {
      bytes += data.length;
    });
    deaf.resume();
    await once(deaf, 'close');
    expect(bytes).toBeLessThan(64 * 1024 * 1024);
  });

  test('refuses a head that is too large', async () => {
    await start();
    const response = await fetch(`http://127.0.0.1:${server.port}/`, { headers: { filler: 'x'.repeat(10_000) } });
    expect(response.status).toBe(431);
    await response.text();
  });

  test('says what went wrong with an answer', async () => {
    await start();
    expect(await ask('/broken')).toEqual({ status: 500, text: 'the answer cannot be made\n' });
  });
});

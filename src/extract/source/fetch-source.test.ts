import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { startConnectProxy } from '../../../test/support/connect-proxy.ts';
import { fetchSource } from './fetch-source.ts';

const variables = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'] as const;
const servers: Server[] = [];
afterEach(() => {
  for (const name of variables) delete process.env[name];
  for (const server of servers.splice(0)) server.close();
});

/** A proxy that answers everything itself, with the address it was asked for. */
async function aProxy(): Promise<string> {
  const server = createServer((request, response) => response.end(`the proxy was asked for ${request.url}`));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function textOf(url: string): Promise<string> {
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  await using source = await fetchSource({ url, credentials: undefined, logger, signal: AbortSignal.timeout(10_000) });
  const chunks: Buffer[] = [];
  for await (const chunk of source.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('a source is reached by the proxy that the environment names', async () => {
  process.env['HTTP_PROXY'] = await aProxy();
  expect(await textOf('http://archives.invalid/a.tar.gz')).toBe(
    'the proxy was asked for http://archives.invalid/a.tar.gz',
  );
});

test('a proxy that does not let a host be reached is told of as the cause', async () => {
  await using proxy = await startConnectProxy({ host: '127.0.0.1', hosts: {} });
  process.env['HTTPS_PROXY'] = proxy.url;
  await expect(textOf('https://archives.invalid/a.tar.gz')).rejects.toMatchObject({
    code: 'SourceUnreachable',
    message: expect.stringContaining('the proxy did not connect'),
  });
  expect(proxy.asked).toEqual(['archives.invalid:443']);
});

test('a source that NO_PROXY names is reached directly', async () => {
  const origin = await aProxy();
  process.env['HTTP_PROXY'] = 'http://127.0.0.1:1';
  process.env['NO_PROXY'] = '127.0.0.1';
  expect(await textOf(`${origin}/a.tar.gz`)).toBe('the proxy was asked for /a.tar.gz');
});

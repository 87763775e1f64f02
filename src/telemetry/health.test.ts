import { afterEach, describe, expect, test } from '@jest/globals';
import type { BoundedServer } from './bounded-server.ts';
import { serveHealth } from './health.ts';

describe('serveHealth', () => {
  let server: BoundedServer | undefined;
  afterEach(() => server?.close());

  async function ask(
    path: string,
    probes: { healthy?: string; ready?: string } = {},
  ): Promise<{ status: number; text: string }> {
    server = await serveHealth({
      port: 0,
      host: '127.0.0.1',
      healthy: () => probes.healthy,
      ready: () => probes.ready,
    });
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return { status: response.status, text: await response.text() };
  }

  test.each([
    ['/healthz', {}, 200, 'ok\n'],
    ['/livez', {}, 200, 'ok\n'],
    ['/healthz', { healthy: 'the loop stands still' }, 503, 'the loop stands still\n'],
    ['/readyz', {}, 200, 'ok\n'],
    ['/readyz', { ready: 'caches are not synced' }, 503, 'caches are not synced\n'],
    ['/readyz?verbose', {}, 200, 'ok\n'],
    ['/metrics', {}, 404, 'not found\n'],
    ['/else', {}, 404, 'not found\n'],
  ])('%s with %j answers %i', async (path, probes, status, text) => {
    expect(await ask(path, probes)).toEqual({ status, text });
  });

  test('a port that is taken is an error, not a silent server', async () => {
    await ask('/healthz');
    const options = { port: server?.port ?? 0, host: '127.0.0.1' };
    await expect(serveHealth({ ...options, healthy: () => undefined, ready: () => undefined })).rejects.toThrow(
      'EADDRINUSE',
    );
  });
});

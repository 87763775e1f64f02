import { afterEach, describe, expect, test } from '@jest/globals';
import type { BoundedServer } from './bounded-server.ts';
import { serveMetrics } from './exposition.ts';
import { createMetrics } from './metrics.ts';

let server: BoundedServer | undefined;
afterEach(() => server?.close());

/** @returns the address, and how often the text was made. */
async function serving(sharedMs: number) {
  const metrics = createMetrics();
  let made = 0;
  const reads = () => {
    made += 1;
    return made;
  };
  metrics.gauge({ name: 'reads', help: 'Reads.' }).observe(reads);
  server = await serveMetrics({ port: 0, host: '127.0.0.1', metrics, sharedMs });
  const address = `http://127.0.0.1:${server.port}/metrics`;
  return { address, made: () => made };
}

describe('serveMetrics', () => {
  test('answers with the exposition text', async () => {
    const { address } = await serving(0);
    const response = await fetch(address);
    expect(response.headers.get('content-type')).toContain('text/plain; version=');
    expect(await response.text()).toMatch(/^reads 1$/m);
    expect((await fetch(new URL('/healthz', address))).status).toBe(404);
  });

  test('makes the text once for all who ask at a time', async () => {
    const { address, made } = await serving(60_000);
    const texts = await Promise.all(Array.from({ length: 50 }, async () => (await fetch(address)).text()));
    expect(new Set(texts).size).toBe(1);
    expect(made()).toBe(1);
  });

  test('makes it anew when it is old', async () => {
    const { address, made } = await serving(0);
    await (await fetch(address)).text();
    await (await fetch(address)).text();
    expect(made()).toBe(2);
  });
});

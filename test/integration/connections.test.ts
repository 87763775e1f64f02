/** How many connections, and so TLS handshakes, calls and watches cost. Counted where they arrive. */
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { pods, volumes } from '../../src/api/resources.ts';
import { InformerRegistry } from '../../src/informer/index.ts';
import { findAccess } from '../../src/kube/access.ts';
import type { Connection } from '../../src/kube/index.ts';
import { createMetrics } from '../../src/telemetry/index.ts';
import { eventually } from '../support/eventually.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { clientOf, configMaps, controlPlane, namespaces, writeKubeconfig } from './control-plane.ts';

jest.setTimeout(60_000);

let server: Server;
let directory: string;
let client: Connection;
let connections: Set<Socket>;
let opened = 0;

/** Passes bytes on, TLS and all. */
beforeAll(async () => {
  const kubeconfig = await controlPlane();
  const upstream = findAccess({ kubeconfig }).server;
  connections = new Set();
  server = createServer((socket) => {
    opened += 1;
    connections.add(socket);
    const far = dial(Number(upstream.port || 443), upstream.hostname);
    socket.on('error', () => far.destroy()).pipe(far);
    far.on('error', () => socket.destroy()).pipe(socket);
    socket.once('close', () => connections.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  directory = await mkdtemp(join(tmpdir(), 'connections-'));
  await writeKubeconfig(join(directory, 'kubeconfig'), kubeconfig, { server: address });
  client = clientOf(join(directory, 'kubeconfig'));
});
afterAll(async () => {
  await client.close();
  await eventually(
    'all connections to be closed',
    () => connections.size,
    (size) => size === 0,
  );
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  opened = 0;
});

describe('connections', () => {
  test('two hundred calls in a row share two at most', async () => {
    for (let nth = 0; nth < 200; nth += 1) await client.get(namespaces, { name: 'default' });
    expect(opened).toBeLessThanOrEqual(2);
  });

  test('calls at the same time share a bounded number, which is kept for the next ones', async () => {
    const burst = () => Promise.all(Array.from({ length: 300 }, () => client.get(namespaces, { name: 'default' })));
    await burst();
    expect(opened).toBeLessThanOrEqual(64);
    await burst();
    expect(connections.size).toBeLessThanOrEqual(64);
  });

  test('each watch has one of its own, which ends with it', async () => {
    await client.get(namespaces, { name: 'default' });
    const before = connections.size;
    const stop = new AbortController();
    const informers = new InformerRegistry({ client, logger: recordingLogger(), metrics: createMetrics() });
    for (const resource of [configMaps, namespaces, pods, volumes]) informers.informer(resource);
    const running = informers.start(stop.signal);
    await informers.waitForSync(stop.signal);
    await eventually(
      'four watches',
      () => connections.size,
      (size) => size === before + 4,
    );
    stop.abort();
    await running;
    await eventually(
      'the end of the watches',
      () => connections.size,
      (size) => size === before,
    );
  });
});

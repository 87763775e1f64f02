import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  AttemptFailedError,
  PermanentError,
  type PluginLogger,
  type PodlessPlugin,
  type PopulateParams,
} from 'volprime';
import { assertConforms } from 'volprime/testing';
import { transferPlugin } from './plugin.ts';
import { startTransferService, type TransferService } from './service.ts';

const silent: PluginLogger = { debug() {}, info() {}, warn() {}, error() {} };
let service: TransferService;
let plugin: PodlessPlugin<unknown>;

beforeEach(async () => {
  service = await startTransferService({ host: '127.0.0.1', port: 0, durationMs: 0 });
  plugin = transferPlugin(`${service.url}/`) as PodlessPlugin<unknown>;
});
afterEach(async () => {
  await service[Symbol.asyncDispose]();
});

async function startServer(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function params(dataset: string, attempt = 1): PopulateParams<unknown> {
  const meta = { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: meta, spec: {} };
  const csi = { driver: 'csi.example.com', volumeHandle: 'vol-1' };
  return {
    source: { namespace: 'default', name: 'x', uid: 's', generation: 1, spec: { dataset } },
    claim: { namespace: 'default', name: 'x', uid: 'u' },
    attempt: { number: attempt, id: `u-${attempt}` },
    home: 'default',
    marks: {
      labels: {},
      annotations: {},
      ownerReferences: [],
      record: { kind: 'Population', uid: 'record-1', createdAt: undefined },
    },
    state: undefined,
    prepared: undefined,
    logger: silent,
    signal: AbortSignal.timeout(10_000),
    claimObject: claim,
    storageClass: undefined,
    prime: claim,
    volume: { apiVersion: 'v1', kind: 'PersistentVolume', metadata: meta, spec: { csi } },
  };
}

test('keeps the promises of a plugin', async () => {
  await using silent = await startServer(() => {});
  await using broken = await startServer((_request, response) => response.writeHead(500).end());
  let url = service.url;
  const reach = (other: string) => () => {
    url = other;
    return () => void (url = service.url);
  };
  await assertConforms({
    plugin: () => transferPlugin(url),
    spec: { dataset: 'genome' },
    badSpecs: [{}, { dataset: '../genome' }],
    outside: {
      begun: () => service.transfers.started.length,
      left: () => service.transfers.remembered(),
      hang: reach(silent.url),
      fail: reach(broken.url),
    },
  });
}, 30_000);

test('starts a transfer once, however often it is told to, and reports its result', async () => {
  await plugin.populate(params('genome'));
  await plugin.populate(params('genome'));
  expect(service.transfers.started).toEqual(['u-1']);
  expect(await plugin.populateComplete(params('genome'))).toEqual({
    done: true,
    result: { bytes: 1_000_000, digest: expect.stringMatching(/^sha256:/) },
  });
});

test('answers "not yet" with the progress while the transfer runs', async () => {
  await using slow = await startTransferService({ host: '127.0.0.1', port: 0, durationMs: 60_000 });
  const waiting = transferPlugin(slow.url) as PodlessPlugin<unknown>;
  await waiting.populate(params('genome'));
  expect(await waiting.populateComplete(params('genome'))).toEqual({
    done: false,
    progress: { bytesDone: expect.any(Number), bytesTotal: 1_000_000 },
  });
});

test('a failed transfer ends the attempt, and the next attempt is another transfer', async () => {
  await plugin.populate(params('flaky-genome'));
  await expect(plugin.populateComplete(params('flaky-genome'))).rejects.toThrow(AttemptFailedError);
  await plugin.populate(params('flaky-genome', 2));
  expect(await plugin.populateComplete(params('flaky-genome', 2))).toMatchObject({ done: true });
});

test('what cannot succeed is permanent', async () => {
  await plugin.populate(params('broken-genome'));
  await expect(plugin.populateComplete(params('broken-genome'))).rejects.toThrow(PermanentError);
});

test('a transfer that the service forgot ends the attempt', async () => {
  await expect(plugin.populateComplete(params('genome'))).rejects.toMatchObject({ code: 'TransferLost' });
});

test('cleanup forgets the transfer, and may be repeated', async () => {
  await plugin.populate(params('genome'));
  await plugin.populateCleanup?.(params('genome'));
  await plugin.populateCleanup?.(params('genome'));
  expect(service.transfers.remembered()).toBe(0);
});

import { expect, test } from '@jest/globals';
import type { Claim, PodPlugin, PopulateParams } from '../../sdk/index.ts';
import { assertConforms } from '../../sdk/testing/index.ts';
import { downloadAndExtract } from './plugin.ts';
import { taskSchema } from './task.ts';

const plugin = downloadAndExtract as PodPlugin<unknown>;

function params(spec: Record<string, unknown>, claimSpec: Claim['spec'] = {}): PopulateParams<unknown> {
  const metadata = { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: claimSpec };
  return {
    source: { namespace: 'default', name: 'x', uid: 's', generation: 1, spec },
    claim: { namespace: 'default', name: 'x', uid: 'u' },
    attempt: { number: 1, id: 'u-1' },
    state: undefined,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    signal: new AbortController().signal,
    claimObject: claim,
    storageClass: undefined,
    prime: claim,
    volume: { apiVersion: 'v1', kind: 'PersistentVolume', metadata, spec: {} },
  };
}

test('hands the pod a task that the pod understands', () => {
  const pod = plugin.pod(params({ sourceURL: 'https://example.com/a.tar.gz' }));
  expect(pod).not.toHaveProperty('image');
  expect(pod).not.toHaveProperty('secrets');
  expect(taskSchema.parse(JSON.parse(pod.env?.['VOLPRIME_TASK'] ?? ''))).toEqual({
    version: 1,
    plugin: 'download-and-extract',
    attemptId: 'u-1',
    targets: [{ path: pod.mountPath, spec: { sourceURL: 'https://example.com/a.tar.gz', extractPath: '/' } }],
  });
});

test('mounts the Secret of a source that has one', () => {
  const pod = plugin.pod(params({ sourceURL: 'https://example.com/a', secretRef: { name: 'token' } }));
  expect(pod.secrets).toEqual([{ name: 'token', mountPath: '/var/run/volprime/credentials' }]);
});

test('refuses a block volume before one is made', async () => {
  const source = { sourceURL: 'https://example.com/a' };
  await expect(plugin.preflight?.(params(source, { volumeMode: 'Block' }))).rejects.toMatchObject({
    code: 'BlockVolumeNotSupported',
    retry: { type: 'never' },
  });
  await expect(plugin.preflight?.(params(source))).resolves.toBeUndefined();
});

test('keeps the promises of a plugin', async () => {
  const spec = { sourceURL: 'https://example.com/a.tar.gz', extractPath: '/' };
  // What a pattern can tell is refused by the API server (CEL in the CRD).
  const badSpecs = [{}, { ...spec, sourceURL: 7 }];
  await assertConforms({ plugin: downloadAndExtract, spec, badSpecs });
});

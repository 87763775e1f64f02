import { describe, expect, test } from '@jest/globals';
import type { Claim, PodPlugin, PopulateParams } from '../../sdk/index.ts';
import { assertConforms } from '../../sdk/testing/index.ts';
import { downloadAndExtract } from './plugin.ts';
import { taskSchema } from './task.ts';

const plugin = downloadAndExtract as PodPlugin<unknown>;
const archive = { sourceURL: 'https://example.com/a.tar.gz' };
const image = { sourceURL: 'https://example.com/disk.img.gz', format: 'Raw' };
const ofSize = (storage: string): Claim['spec'] => ({ resources: { requests: { storage } } });

function params(spec: Record<string, unknown>, claimSpec: Claim['spec'] = {}): PopulateParams<unknown> {
  const metadata = { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: claimSpec };
  return {
    source: { namespace: 'default', name: 'x', uid: 's', generation: 1, spec },
    claim: { namespace: 'default', name: 'x', uid: 'u' },
    attempt: { number: 1, id: 'u-1' },
    home: 'default',
    marks: {
      labels: {},
      annotations: {},
      ownerReferences: [],
      record: { kind: 'Population', uid: 'record-1', createdAt: undefined },
    },
    state: undefined,
    prepared: undefined,
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
    version: 3,
    plugin: 'download-and-extract',
    attemptId: 'u-1',
    targets: [
      {
        path: pod.mountPath,
        kind: 'directory',
        spec: { sourceURL: 'https://example.com/a.tar.gz', extractPath: '/' },
      },
    ],
  });
});

test('mounts the Secret of a source that has one', () => {
  const pod = plugin.pod(params({ sourceURL: 'https://example.com/a', secretRef: { name: 'token' } }));
  expect(pod.secrets).toEqual([{ name: 'token', mountPath: '/var/run/volprime/credentials' }]);
});

test('mounts the Secret of a proxy beside that of the source', () => {
  const spec = {
    ...archive,
    secretRef: { name: 'token' },
    proxy: 'http://proxy:3128',
    proxySecretRef: { name: 'login' },
  };
  expect(plugin.pod(params(spec)).secrets).toEqual([
    { name: 'token', mountPath: '/var/run/volprime/credentials' },
    { name: 'login', mountPath: '/var/run/volprime/proxy-credentials' },
  ]);
});

test('mounts the ConfigMap of a source that has one', () => {
  const pod = plugin.pod(params({ ...archive, caBundleRef: { name: 'company-ca' } }));
  expect(pod.configMaps).toEqual([{ name: 'company-ca', mountPath: '/var/run/volprime/source-ca' }]);
});

test('hands a block volume over as a device', () => {
  const pod = plugin.pod(params(image, { volumeMode: 'Block' }));
  expect(taskSchema.parse(JSON.parse(pod.env?.['VOLPRIME_TASK'] ?? '')).targets).toMatchObject([
    { kind: 'device', path: '/dev/target' },
  ]);
  expect(pod.mountPath).toBe('/dev/target');
});

type Refused = readonly [what: string, params: PopulateParams<unknown>, reason: string, words: string];

describe('refuses before a volume is made', () => {
  const ofAnother = (spec: object): PopulateParams<unknown> => {
    const given = params({ ...archive, ...spec });
    return { ...given, source: { ...given.source, namespace: 'data' } };
  };
  const rows: readonly Refused[] = [
    [
      'an archive for a block device',
      params(archive, { volumeMode: 'Block' }),
      'BlockVolumeNotSupported',
      'format: Raw',
    ],
    [
      'an archive that is said to be one',
      params({ ...archive, format: 'Tar' }, { volumeMode: 'Block' }),
      'BlockVolumeNotSupported',
      'volumeMode Filesystem',
    ],
    ['an image for a file system', params(image), 'RawNeedsBlockVolume', 'volumeMode Block'],
    [
      'more than the claim holds',
      params({ ...archive, limits: { bytes: '2Gi' } }, ofSize('1Gi')),
      'ClaimTooSmall',
      'asks for 1Gi',
    ],
    ["another namespace's Secret", ofAnother({ secretRef: { name: 'x' } }), 'SecretAcrossNamespaces', 'data/x'],
    [
      "another namespace's Secret for a proxy",
      ofAnother({ proxy: 'http://proxy:3128', proxySecretRef: { name: 'x' } }),
      'SecretAcrossNamespaces',
      'data/x',
    ],
    ["another namespace's ConfigMap", ofAnother({ caBundleRef: { name: 'x' } }), 'ConfigMapAcrossNamespaces', 'data/x'],
  ];
  test.each(rows)('%s', async (_what, given, code, words) => {
    const message: unknown = expect.stringContaining(words);
    await expect(plugin.preflight?.(given)).rejects.toMatchObject({ code, message, retry: { type: 'never' } });
  });

  test.each([
    ['an archive', params(archive)],
    ['an image for a block device', params(image, { volumeMode: 'Block' })],
    ['as much as the claim holds', params({ ...archive, limits: { bytes: '1024Mi' } }, ofSize('1Gi'))],
    ["another namespace's archive", ofAnother({})],
  ])('and takes %s', async (_what, given) => {
    await expect(plugin.preflight?.(given)).resolves.toBeUndefined();
  });
});

test.each([
  ['an archive', params(archive), 'restricted'],
  ['owners that are the populator itself', params({ ...archive, ownership: { uid: 65532, gid: 65532 } }), 'restricted'],
  ['owners of the archive', params({ ...archive, ownership: { preserve: true } }), 'privileged-data'],
  ['an owner', params({ ...archive, ownership: { uid: 0 } }), 'privileged-data'],
  ['a group', params({ ...archive, ownership: { gid: 1000 } }), 'privileged-data'],
  ['a device', params(image, { volumeMode: 'Block' }), 'privileged-data'],
])('asks for the security profile that the work needs: %s', (_what, given, profile) => {
  expect(plugin.securityProfile?.(given)).toBe(profile);
});

test('keeps the promises of a plugin', async () => {
  const spec = { sourceURL: 'https://example.com/a.tar.gz', extractPath: '/' };
  // What a pattern can tell is refused by the API server (CEL in the CRD).
  const badSpecs = [{}, { ...spec, sourceURL: 7 }];
  await assertConforms({ plugin: downloadAndExtract, spec, badSpecs });
});

import { describe, expect, test } from '@jest/globals';
import { providerSpecSchema } from '../../api/provider.ts';
import { layerOf } from '../../../test/support/extraction.ts';
import type { Job } from '../../extract/job.ts';
import { jobOf } from './job-of.ts';
import type { Target } from './task.ts';

const url = 'https://example.com/a.tar.gz';
const checksum = `sha256:${'a'.repeat(64)}`;

function job(spec: object, kind: Target['kind'] = 'directory'): Job {
  return jobOf({ path: '/target', kind, spec: providerSpecSchema.parse(spec) });
}

const layer = layerOf({ urls: [url] });

test('a job says everything, where the spec says nothing but the source', () => {
  expect(job({ sourceURL: url })).toEqual({
    target: { kind: 'directory', path: '/target', extractPath: '/' },
    layers: [layer],
    limits: { bytes: undefined, files: 10_000_000, ratio: 1000, bandwidth: undefined },
    ownership: { preserve: false, uid: undefined, gid: undefined },
    modes: { files: undefined, directories: undefined },
    onExisting: 'clean',
  });
});

type Row = readonly [field: string, spec: object, part: object];

describe('each field has its place', () => {
  const rows: readonly Row[] = [
    ['extractPath', { extractPath: '/data' }, { target: { kind: 'directory', path: '/target', extractPath: '/data' } }],
    ['mirrors', { mirrors: ['https://b/a'] }, { layers: [{ ...layer, urls: [url, 'https://b/a'] }] }],
    ['checksum', { checksum }, { layers: [{ ...layer, checksum }] }],
    ['format Tar', { format: 'Tar' }, { layers: [{ ...layer, format: 'tar' }] }],
    ['format Zip', { format: 'Zip' }, { layers: [{ ...layer, format: 'zip' }] }],
    ['format File', { format: 'File' }, { layers: [{ ...layer, format: 'file' }] }],
    ['stripComponents', { stripComponents: 2 }, { layers: [{ ...layer, stripComponents: 2 }] }],
    [
      'include and exclude',
      { include: ['a'], exclude: ['b'] },
      { layers: [{ ...layer, include: ['a'], exclude: ['b'] }] },
    ],
    [
      'limits',
      { limits: { bytes: '1Ki', files: 1, ratio: 2, bandwidth: '1M' } },
      { limits: { bytes: 1024, files: 1, ratio: 2, bandwidth: 1_000_000 } },
    ],
    [
      's3',
      { s3: { region: 'eu-central-1' } },
      { layers: [{ ...layer, s3: { region: 'eu-central-1', endpoint: undefined } }] },
    ],
    ['uid and gid', { ownership: { uid: 1, gid: 2 } }, { ownership: { preserve: false, uid: 1, gid: 2 } }],
    ['preserve', { ownership: { preserve: true } }, { ownership: { preserve: true, uid: undefined, gid: undefined } }],
    ['mode', { mode: { files: '0640', directories: '750' } }, { modes: { files: 0o640, directories: 0o750 } }],
    ['onExisting Fail', { onExisting: 'Fail' }, { onExisting: 'fail' }],
    ['onExisting Merge', { onExisting: 'Merge' }, { onExisting: 'merge' }],
  ];
  test.each(rows)('%s', (_field, spec, part) => expect(job({ sourceURL: url, ...spec })).toMatchObject(part));
});

test('layers stay in their order, each with what belongs to it', () => {
  const layers = [
    { sourceURL: url, checksum },
    { sourceURL: 'https://b/a', mirrors: [url], stripComponents: 1 },
  ];
  expect(job({ layers }).layers).toEqual([
    { ...layer, checksum },
    { ...layer, urls: ['https://b/a', url], stripComponents: 1 },
  ]);
});

test('an image goes onto a device, where a path inside of it means nothing', () => {
  expect(job({ sourceURL: url, format: 'Raw' }, 'device')).toMatchObject({
    target: { kind: 'device', path: '/target' },
    layers: [{ ...layer, format: 'raw' }],
  });
});

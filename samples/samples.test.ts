import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { providerSpecSchema } from '../src/api/provider.ts';
import { snapshotRestoreSpecSchema } from '../src/api/snapshot-restore.ts';
import { volumeCaptureSpecSchema } from '../src/api/volume-capture.ts';

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({}).optional(),
});
type Manifest = z.infer<typeof objectSchema>;

const read = (file: string): Manifest[] =>
  parseAllDocuments(readFileSync(join(import.meta.dirname, file), 'utf8')).map((document) =>
    objectSchema.parse(document.toJS()),
  );
const files = globSync('**/*.yaml', { cwd: import.meta.dirname }).filter((file) =>
  readFileSync(join(import.meta.dirname, file), 'utf8').includes('dataSourceRef:'),
);

describe.each(files)('%s', (file) => {
  const objects = read(file);
  const named = (kind: string, name: unknown) =>
    objects.some((object) => object.kind === kind && object.metadata.name === name);

  test('has a source for each claim, and a claim for each consumer', () => {
    const claims = objects.filter(
      ({ kind, spec }) => kind === 'PersistentVolumeClaim' && spec?.['dataSourceRef'] !== undefined,
    );
    expect(claims).not.toEqual([]);
    for (const { spec } of claims) {
      const source = z
        .object({ apiGroup: z.string(), kind: z.string(), name: z.string() })
        .parse(spec?.['dataSourceRef']);
      expect(objects).toContainEqual(
        expect.objectContaining({
          apiVersion: expect.stringMatching(`^${source.apiGroup}/v1`),
          kind: source.kind,
          metadata: expect.objectContaining({ name: source.name }),
        }),
      );
    }
    for (const [, claimName] of JSON.stringify(objects).matchAll(/"claimName":"([^"]+)"/g)) {
      expect(named('PersistentVolumeClaim', claimName)).toBe(true);
    }
  });

  test('has Providers that the schema takes', () => {
    for (const { kind, spec } of objects) if (kind === 'Provider') providerSpecSchema.strict().parse(spec);
  });

  test('has SnapshotRestores that the schema takes', () => {
    for (const { kind, spec } of objects) if (kind === 'SnapshotRestore') snapshotRestoreSpecSchema.parse(spec);
  });

  test('has consumers that the Pod Security level "restricted" admits', () => {
    for (const object of objects.filter(({ kind }) => kind === 'Job' || kind === 'Pod')) {
      const text = JSON.stringify(object);
      expect(text).toContain('"runAsNonRoot":true');
      expect(text).toContain('"seccompProfile":{"type":"RuntimeDefault"}');
      expect(text).toContain('"allowPrivilegeEscalation":false');
      expect(text).toContain('"capabilities":{"drop":["ALL"]}');
    }
  });
});

test('the VolumeCapture names a class that is there, in words that the schema takes', () => {
  const [capture] = read('snapshots/volume-capture.yaml');
  const { volumeSnapshotClassName } = z.strictObject(volumeCaptureSpecSchema.shape).parse(capture?.spec);
  const classes = read('snapshots/class.yaml').map(({ metadata }) => metadata.name);
  expect(classes).toContain(volumeSnapshotClassName);
});

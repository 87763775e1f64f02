/** CustomResourceDefinitions made from the zod schemas, so that a schema is written once. Used by the generator only. */
import * as z from 'zod';
import { populationSpecSchema, populationStatusSchema, populations } from './population.ts';
import { providerSpecSchema, providerStatusSchema, providers } from './provider.ts';
import type { Resource } from './resources.ts';
import { snapshotRestoreSpecSchema, snapshotRestores } from './snapshot-restore.ts';
import { volumeCaptureSpecSchema, volumeCaptures, volumeCaptureStatusSchema } from './volume-capture.ts';

interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly priority?: number;
  readonly description?: string;
}

interface KindDefinition {
  readonly resource: Resource;
  readonly description: string;
  readonly singular: string;
  readonly shortNames?: readonly string[];
  readonly spec: z.ZodType;
  /** Absent for a kind that nobody tells the state of: what becomes of it stands elsewhere. */
  readonly status?: z.ZodType;
  readonly columns: readonly PrinterColumn[];
}

const age: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
const readyField = (field: string) => `.status.conditions[?(@.type=="Ready")].${field}`;

export const kinds: readonly KindDefinition[] = [
  {
    resource: providers,
    description:
      'An archive at a URL that volumes can be populated from: name it in the dataSourceRef of a PersistentVolumeClaim.',
    singular: 'provider',
    spec: providerSpecSchema,
    status: providerStatusSchema,
    columns: [
      { name: 'Ready', type: 'string', jsonPath: readyField('status') },
      { name: 'Source', type: 'string', jsonPath: '.spec.sourceURL' },
      { name: 'Path', type: 'string', jsonPath: '.spec.extractPath' },
      { name: 'Reason', type: 'string', jsonPath: readyField('reason'), priority: 1 },
      age,
    ],
  },
  {
    resource: snapshotRestores,
    description:
      'The data of a VolumeSnapshot, for volumes of any StorageClass: name it in the dataSourceRef of a PersistentVolumeClaim.',
    singular: 'snapshotrestore',
    spec: snapshotRestoreSpecSchema,
    columns: [
      { name: 'Snapshot', type: 'string', jsonPath: '.spec.snapshotRef.name' },
      { name: 'Namespace', type: 'string', jsonPath: '.spec.snapshotRef.namespace', priority: 1 },
      { name: 'Path', type: 'string', jsonPath: '.spec.path', priority: 1 },
      age,
    ],
  },
  {
    resource: populations,
    description:
      "The record of one claim's population: what is done, what is awaited, and why. Written by the controller alone.",
    singular: 'population',
    spec: populationSpecSchema,
    status: populationStatusSchema,
    columns: [
      { name: 'Claim', type: 'string', jsonPath: '.spec.claim.name' },
      { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
      {
        name: 'Progress',
        type: 'integer',
        jsonPath: '.status.progress.percent',
        description: 'Percent of the source received',
      },
      { name: 'Route', type: 'string', jsonPath: '.status.prepared.route' },
      { name: 'Attempt', type: 'integer', jsonPath: '.status.attempt' },
      { name: 'Reason', type: 'string', jsonPath: readyField('reason') },
      { name: 'Volume', type: 'string', jsonPath: '.status.volume.name', priority: 1 },
      { name: 'Message', type: 'string', jsonPath: readyField('message'), priority: 1 },
      age,
    ],
  },
  {
    resource: volumeCaptures,
    description:
      'One snapshot of a claim whose volume is of no CSI driver: makes a VolumeSnapshot, which stays when this object is deleted afterwards.',
    singular: 'volumecapture',
    spec: volumeCaptureSpecSchema,
    status: volumeCaptureStatusSchema,
    columns: [
      { name: 'Claim', type: 'string', jsonPath: '.spec.claimName' },
      { name: 'Snapshot', type: 'string', jsonPath: '.status.snapshotName' },
      { name: 'Ready', type: 'string', jsonPath: readyField('status') },
      { name: 'Progress', type: 'string', jsonPath: '.status.progress' },
      { name: 'Reason', type: 'string', jsonPath: readyField('reason') },
      { name: 'Message', type: 'string', jsonPath: readyField('message'), priority: 1 },
      age,
    ],
  },
];

/** One CustomResourceDefinition (apiextensions.k8s.io/v1). */
export function buildCrd(kind: KindDefinition): object {
  const { resource, description, singular, columns } = kind;
  const { group, version, plural } = resource;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels: { 'app.kubernetes.io/name': 'volprime' } },
    spec: {
      group,
      scope: resource.namespaced ? 'Namespaced' : 'Cluster',
      names: {
        kind: resource.kind,
        plural,
        singular,
        categories: ['volprime'],
        ...(kind.shortNames && { shortNames: kind.shortNames }),
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          ...(kind.status && { subresources: { status: {} } }),
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description,
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: structural(kind.spec),
                ...(kind.status && { status: structural(kind.status) }),
              },
            },
          },
        },
      ],
    },
  };
}

/** zod's OpenAPI, less what a structural schema may not hold. @throws RangeError on what Kubernetes would refuse. */
function structural(schema: z.ZodType): unknown {
  return clean(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }), '');
}

function clean(node: unknown, path: string): unknown {
  if (Array.isArray(node)) return node.map((item, index) => clean(item, `${path}[${index}]`));
  if (typeof node !== 'object' || node === null) return node;
  for (const forbidden of ['$ref', 'anyOf', 'oneOf', 'allOf']) {
    if (forbidden in node) throw new RangeError(`${path}: "${forbidden}" is not structural; say it with one type`);
  }
  const entries = Object.entries(node)
    .filter(
      ([key, value]) =>
        key !== '$schema' &&
        !(key === 'additionalProperties' && typeof value === 'boolean') &&
        Math.abs(Number(value)) !== Number.MAX_SAFE_INTEGER,
    )
    .map(([key, value]) => [key, clean(value, `${path}.${key}`)]);
  return Object.fromEntries(entries);
}

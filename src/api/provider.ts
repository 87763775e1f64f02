/** `Provider` (provider.example.com/v1): "this archive at this URL, extracted into that directory of the volume". */
import * as z from 'zod';
import { conditionsSchema } from './conditions.ts';
import { PROVIDER_GROUP } from './names.ts';
import type { KubeObject } from './objects.ts';
import { layerRules, layersSchema, layerShape, onlySourceUrlSchema } from './provider-layer.ts';
import { limitsSchema, modeSchema, onExistingSchema, ownershipSchema } from './provider-options.ts';
import type { Resource } from './resources.ts';
import { type Rule, ruled } from './rule.ts';
import { jsonBytes, MAX_SOURCE_BYTES } from './source-size.ts';
import { proxySchema, s3Schema } from './source-url.ts';

const extractPathSchema = ruled(
  z.string().min(1).max(4096),
  'Directory inside the volume that receives the content; "/" is the root of the volume. Made when missing.',
  [
    {
      rule: "self.startsWith('/')",
      holds: (path) => path.startsWith('/'),
      message: 'extractPath must start with "/", the root of the volume',
    },
    {
      rule: "!self.split('/').exists(part, part == '..')",
      holds: (path) => !path.split('/').includes('..'),
      message: 'extractPath must stay inside the volume: ".." is not allowed',
    },
  ],
);

const objectName = z.string().min(1).max(253);

const secretRef = (description: string) =>
  z
    .object({ name: objectName.meta({ description: 'Name of a Secret in the namespace of the Provider.' }) })
    .meta({ description });

const specShape = {
  ...layerShape,
  sourceURL: onlySourceUrlSchema.optional(),
  layers: layersSchema.optional(),
  extractPath: extractPathSchema.default('/'),
  secretRef: secretRef(
    'Credentials for the download. The Secret (type volprime.dev/credentials) has the key "hosts" (who may receive them; over plain http only where an entry begins with http://) and one of: "token"; "username" and "password"; "headers"; "accessKeyId" and "secretAccessKey" (S3; and "sessionToken"); and beside it or alone "tls.crt" and "tls.key". Where proxy or caBundleRef are set it also has "proxies", and "caBundles" or "ca.crt".',
  ).optional(),
  caBundleRef: z
    .object({
      name: objectName.meta({ description: 'Name of a ConfigMap in the namespace of the Provider.' }),
      key: z
        .string()
        .regex(/^[-._a-zA-Z0-9]+$/)
        .max(253)
        .default('ca.crt')
        .meta({ description: 'Its key with the certificates (PEM).' }),
    })
    .optional()
    .meta({
      description:
        'Certificates that are trusted for the download, beside the populator image\'s own. With secretRef they count only where the Secret approves them: the same in its key "ca.crt", or their digest in "caBundles".',
    }),
  s3: s3Schema.optional(),
  proxy: proxySchema.optional(),
  proxySecretRef: secretRef(
    'Credentials for the proxy. The Secret (type volprime.dev/credentials) has the keys "username", "password" and "hosts", which lists the proxy, with http:// where it begins so.',
  ).optional(),
  limits: limitsSchema.optional(),
  ownership: ownershipSchema.optional(),
  mode: modeSchema.optional(),
  onExisting: onExistingSchema.optional(),
};

/** CEL for the characters of an optional list of strings. */
const sumOf = (list: string) => `(has(${list}) ? ${list}.map(text, size(text)).sum() : 0)`;
const lists = (owner: string) => ['mirrors', 'include', 'exclude'].map((name) => sumOf(`${owner}.${name}`)).join(' + ');

/** CEL knows no size of an object: the API server adds up its long members. The whole is measured where the spec is parsed. */
const smallEnough: Rule<unknown> = {
  rule: `(has(self.sourceURL) ? size(self.sourceURL) : 0) + ${lists('self')} + (has(self.layers) ? self.layers.map(layer, size(layer.sourceURL) + ${lists('layer')}).sum() : 0) <= ${MAX_SOURCE_BYTES}`,
  holds: (spec) => jsonBytes(spec) <= MAX_SOURCE_BYTES,
  message: `the spec must not be larger than ${MAX_SOURCE_BYTES / 1024} KiB: name fewer or shorter globs, layers or mirrors`,
};

export const providerSpecSchema = ruled(z.object(specShape), 'What to put into the volume.', [
  {
    rule: 'has(self.sourceURL) != has(self.layers)',
    holds: ({ sourceURL, layers }) => (sourceURL === undefined) !== (layers === undefined),
    message: 'say where the source is in sourceURL, or in layers where there are several; one of the two',
  },
  {
    rule: '!has(self.layers) || !(has(self.mirrors) || has(self.checksum) || has(self.format) || has(self.stripComponents) || has(self.include) || has(self.exclude))',
    holds: ({ layers, mirrors, checksum, format, stripComponents, include, exclude }) =>
      layers === undefined ||
      [mirrors, checksum, format, stripComponents, include, exclude].every((it) => it === undefined),
    message:
      'mirrors, checksum, format, stripComponents, include and exclude belong into each layer where there are layers',
  },
  {
    rule: "!has(self.onExisting) || self.onExisting == 'Clean' || !((has(self.format) && self.format == 'Raw') || (has(self.layers) && self.layers.exists(layer, has(layer.format) && layer.format == 'Raw')))",
    holds: ({ onExisting = 'Clean', format, layers = [] }) =>
      onExisting === 'Clean' || ![{ format }, ...layers].some((it) => it.format === 'Raw'),
    message:
      'onExisting must be Clean, or left out, for an image (format Raw): it replaces the whole device, and nothing tells whether a device is empty',
  },
  {
    rule: '!has(self.proxySecretRef) || has(self.proxy)',
    holds: ({ proxy, proxySecretRef }) => proxySecretRef === undefined || proxy !== undefined,
    message: 'proxySecretRef holds what is sent to a proxy: say which one in proxy',
  },
  ...layerRules,
  smallEnough,
]);

export const providerStatusSchema = z.object({
  observedGeneration: z.int().min(0).optional().meta({ format: 'int64' }),
  conditions: conditionsSchema.optional(),
});

export { formats, type LayerSpec } from './provider-layer.ts';
export type ProviderSpec = z.infer<typeof providerSpecSchema>;
export type ProviderStatus = z.infer<typeof providerStatusSchema>;

export interface Provider extends KubeObject {
  readonly spec: ProviderSpec;
  readonly status?: ProviderStatus;
}

export const providers: Resource<Provider> = {
  group: PROVIDER_GROUP,
  version: 'v1',
  kind: 'Provider',
  plural: 'providers',
  namespaced: true,
};

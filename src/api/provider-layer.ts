/** What a Provider says of one archive, image or file: at its top level, or of each of its layers. */
import * as z from 'zod';
import { type Rule, ruled } from './rule.ts';
import { shorterSourceUrlSchema, sourceUrlSchema } from './source-url.ts';

export const formats = ['Tar', 'Zip', 'File', 'Raw'] as const;

const checksumSchema = ruled(
  z.string().max(135),
  'Digest of the source as downloaded: "sha256:" and 64, or "sha512:" and 128 lower-case hexadecimal digits. The volume is handed over only if it holds.',
  [
    {
      rule: "self.matches('^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$')",
      holds: (text) => /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text),
      message: 'checksum must be "sha256:" and 64, or "sha512:" and 128 lower-case hexadecimal digits',
    },
  ],
);

const globs = z.array(z.string().min(1).max(1024)).min(1).max(64);

const WHERE =
  'Where the source is: an http or https URL, s3://bucket/key, or oci://registry/repository:tag (all layers of the image or artifact). Credentials belong in secretRef, never in the URL.';

/** Of a Provider with one source. */
export const onlySourceUrlSchema = sourceUrlSchema('sourceURL', WHERE);

export const layerShape = {
  sourceURL: shorterSourceUrlSchema('sourceURL', WHERE),
  mirrors: z
    .array(shorterSourceUrlSchema('mirrors', 'As sourceURL.'))
    .min(1)
    .max(8)
    .optional()
    .meta({ description: 'Other places of the same bytes, asked in this order where the one before fails.' }),
  checksum: checksumSchema.optional(),
  format: z.enum(formats).optional().meta({
    description:
      'Tar or Zip: an archive. File: one file. Raw: the image of a disk, for a claim with volumeMode Block. Each may be compressed with gzip, zstd, xz or bzip2. Default: told by the content.',
  }),
  stripComponents: z.int().min(0).max(100).optional().meta({
    description: 'So many leading parts of each name in the archive are taken away; an entry without more is left out.',
  }),
  include: globs.optional().meta({
    description: 'Globs of names, as they would be extracted; what matches none of them is left out.',
  }),
  exclude: globs.optional().meta({
    description:
      'Globs of names, as they would be extracted; what matches one of them is left out, also where include has it.',
  }),
};

interface Said extends Partial<Readonly<Record<'format' | 'stripComponents' | 'include' | 'exclude', unknown>>> {
  readonly sourceURL?: string | undefined;
  readonly mirrors?: readonly string[] | undefined;
}

/** For each object that has the fields of a layer. */
export const layerRules: readonly Rule<Said>[] = [
  {
    rule: "!has(self.format) || self.format == 'Tar' || self.format == 'Zip' || !(has(self.stripComponents) || has(self.include) || has(self.exclude))",
    holds: ({ format, stripComponents, include, exclude }) =>
      (format !== 'File' && format !== 'Raw') || [stripComponents, include, exclude].every((it) => it === undefined),
    message:
      'stripComponents, include and exclude choose from the names in an archive: leave them out with format File or Raw',
  },
  {
    rule: "!has(self.sourceURL) || !has(self.mirrors) || self.mirrors.all(mirror, mirror.startsWith('oci:') == self.sourceURL.startsWith('oci:'))",
    holds: ({ sourceURL, mirrors = [] }) =>
      sourceURL === undefined || mirrors.every((mirror) => mirror.startsWith('oci:') === sourceURL.startsWith('oci:')),
    message: 'mirrors must be oci:// where sourceURL is, and nowhere else: a registry names its bytes in its own way',
  },
];

export const layerSchema = ruled(z.object(layerShape), 'One archive or file.', layerRules);
export type LayerSpec = z.infer<typeof layerSchema>;

export const layersSchema = ruled(
  z.array(layerSchema).min(1).max(16),
  'Several sources that are extracted in order into one volume; of two entries with one name the later one stays. In place of sourceURL and what belongs to it.',
  [
    {
      rule: "self.size() == 1 || !self.exists(layer, has(layer.format) && layer.format == 'Raw')",
      holds: (layers) => layers.length === 1 || !layers.some(({ format }) => format === 'Raw'),
      message: 'layers: an image (format Raw) fills the whole device and cannot be one of several layers',
    },
  ],
);

/** `Provider` (provider.example.com/v1): "this archive at this URL, extracted into that directory of the volume". */
import * as z from 'zod';
import { conditionsSchema } from './conditions.ts';
import { PROVIDER_GROUP } from './names.ts';
import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';

const cel = (rule: string, message: string) => ({ rule, message });

export const providerSpecSchema = z
  .object({
    sourceURL: z
      .string()
      .min(1)
      .max(8192)
      .meta({
        description: 'Where the archive is: an http or https URL. Credentials belong in secretRef, never in the URL.',
        'x-kubernetes-validations': [
          cel('isURL(self)', 'sourceURL must be an absolute URL such as https://example.com/data.tar.gz'),
          cel(
            "!isURL(self) || url(self).getScheme() in ['http', 'https']",
            'sourceURL must use the scheme http or https',
          ),
          cel("!isURL(self) || url(self).getHostname() != ''", 'sourceURL must name a host'),
          cel(
            "!self.matches('^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*@')",
            'sourceURL must not hold a user name or password; put them in a Secret and name it in secretRef',
          ),
        ],
      }),
    extractPath: z
      .string()
      .min(1)
      .max(4096)
      .default('/')
      .meta({
        description:
          'Directory inside the volume that receives the content; "/" is the root of the volume. Made when missing.',
        'x-kubernetes-validations': [
          cel("self.startsWith('/')", 'extractPath must start with "/", the root of the volume'),
          cel(
            "!self.split('/').exists(part, part == '..')",
            'extractPath must stay inside the volume: ".." is not allowed',
          ),
        ],
      }),
    checksum: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/)
      .optional()
      .meta({ description: 'Digest of the archive as downloaded: "sha256:" and 64 lower-case hexadecimal digits.' }),
    secretRef: z
      .object({
        name: z.string().min(1).max(253).meta({ description: 'Name of a Secret in the namespace of the Provider.' }),
      })
      .optional()
      .meta({
        description:
          'Credentials for the download. The Secret (type volprime.dev/credentials) has the key "hosts" (who may receive them) and either "token", or "username" and "password", or "headers".',
      }),
  })
  .meta({ description: 'What to put into the volume.' });

export const providerStatusSchema = z.object({
  observedGeneration: z.int().min(0).optional().meta({ format: 'int64' }),
  conditions: conditionsSchema.optional(),
});

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

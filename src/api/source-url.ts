/** Addresses in a Provider. */
import * as z from 'zod';
import { type Rule, ruled } from './rule.ts';

/** Of one that stands alone, and of one of many: the API server counts what its rules may cost at worst. */
const LONGEST = 8192;
const LONGEST_OF_MANY = 4096;

/** @param field as the messages shall name it. */
export function sourceUrlSchema(field: string, description: string) {
  return ruled(z.string().min(1).max(LONGEST), description, sourceUrlRules(field));
}

/** For lists, and for what stands in lists. */
export function shorterSourceUrlSchema(field: string, description: string) {
  return ruled(z.string().min(1).max(LONGEST_OF_MANY), description, sourceUrlRules(field));
}

/** The same for RE2 and for JavaScript, with nothing that CEL's quotes would need to escape. */
const S3 = /^s3:[/][/][a-z0-9][a-z0-9.-]{1,61}[a-z0-9][/].+$/;
const OCI =
  /^oci:[/][/][^/@]+[/][a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?$/;

function sourceUrlRules(field: string): Rule<string>[] {
  return [
    {
      rule: 'isURL(self)',
      holds: (text) => URL.canParse(text),
      message: `${field} must be an absolute URL such as https://example.com/data.tar.gz`,
    },
    {
      rule: "!isURL(self) || url(self).getScheme() in ['http', 'https', 's3', 'oci']",
      holds: (text) => ['http:', 'https:', 's3:', 'oci:'].includes(new URL(text).protocol),
      message: `${field} must use the scheme http, https, s3 or oci`,
    },
    {
      rule: "!isURL(self) || url(self).getHostname() != ''",
      // The URL of the web has no empty host: it takes the next part of the path for it.
      holds: (text) => /^[^:]+:\/\/[^/?#]/.test(text) && new URL(text).hostname !== '',
      message: `${field} must name a host`,
    },
    {
      rule: "!self.matches('^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*@')",
      holds: (text) => !/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*@/.test(text),
      message: `${field} must not hold a user name or password; put them in a Secret and name it in secretRef`,
    },
    {
      rule: `!self.startsWith('s3:') || self.matches('${S3.source}')`,
      holds: (text) => !text.startsWith('s3:') || S3.test(text),
      message: `${field} must name bucket and key of an object in S3, as s3://bucket/key`,
    },
    {
      rule: `!self.startsWith('oci:') || self.matches('${OCI.source}')`,
      holds: (text) => !text.startsWith('oci:') || OCI.test(text),
      message: `${field} must name an image or artifact, as oci://registry/repository:tag or oci://registry/repository@sha256:...`,
    },
  ];
}

/** Whoever may read the pod can read it. */
export const proxySchema = ruled(
  z.string().min(1).max(LONGEST),
  'The proxy that the download goes through, but for what NO_PROXY of the populator pod names. With secretRef the Secret has to list it in its key "proxies". Default: as the operator has set it for populator pods.',
  [
    {
      rule: "!self.contains('@')",
      holds: (text) => !text.includes('@'),
      message: 'proxy must not hold a user name or password; put them in a Secret and name it in proxySecretRef',
    },
    {
      rule: "self.matches('^https?://[^/?#]+/?$')",
      holds: (text) => /^https?:\/\/[^/?#]+\/?$/.test(text) && URL.canParse(text),
      message: 'proxy must be the address of a proxy such as http://proxy.example.com:3128',
    },
  ],
);

export const s3Schema = z
  .object({
    endpoint: ruled(
      z.string().min(1).max(LONGEST),
      'Address of a server that speaks the language of S3, for example https://minio.example.com:9000. The bucket becomes the first part of the path, or stands where the address says {bucket}. Default: AWS.',
      [
        {
          rule: "self.matches('^https?://[^/?#@]+(/[^?#]*)?$')",
          holds: (text) => /^https?:\/\/[^/?#@]+(\/[^?#]*)?$/.test(text),
          message:
            's3.endpoint must be an http or https address such as https://s3.example.com, without user name or query',
        },
      ],
    ).optional(),
    region: ruled(z.string().max(40), 'Region that requests are signed for. Default: us-east-1.', [
      {
        rule: "self.matches('^[a-z0-9-]+$')",
        holds: (text) => /^[a-z0-9-]+$/.test(text),
        message: 's3.region must be the name of a region such as eu-central-1',
      },
    ]).optional(),
  })
  .meta({ description: 'Where the buckets of s3:// sources are.' });

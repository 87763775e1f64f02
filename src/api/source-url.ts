/** Addresses in a Provider. */
import * as z from 'zod';
import { type Rule, ruled } from './rule.ts';

const LONGEST = 8192;

/** @param field as the messages shall name it. */
export function sourceUrlSchema(field: string, description: string) {
  return ruled(z.string().min(1).max(LONGEST), description, sourceUrlRules(field));
}

function sourceUrlRules(field: string): Rule<string>[] {
  return [
    {
      rule: 'isURL(self)',
      holds: (text) => URL.canParse(text),
      message: `${field} must be an absolute URL such as https://example.com/data.tar.gz`,
    },
    {
      rule: "!isURL(self) || url(self).getScheme() in ['http', 'https']",
      holds: (text) => ['http:', 'https:'].includes(new URL(text).protocol),
      message: `${field} must use the scheme http or https`,
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
  ];
}

/** Whoever may read the pod can read it. */
export const proxySchema = ruled(
  z.string().min(1).max(LONGEST),
  'The proxy that the download goes through, but for what NO_PROXY of the populator pod names. Default: as the operator has set it for populator pods.',
  [
    {
      rule: "self.matches('^https?://[^/?#@]+/?$')",
      holds: (text) => /^https?:\/\/[^/?#@]+\/?$/.test(text) && URL.canParse(text),
      message:
        'proxy must be the address of a proxy such as http://proxy.example.com:3128, without user name or password',
    },
  ],
);

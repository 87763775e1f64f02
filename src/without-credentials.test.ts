import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createLog } from './pod/log.ts';
import { failureReport } from './pod/report.ts';
import { PermanentError } from './sdk/index.ts';
import { errorText } from './snapshot/failure.ts';
import { withoutCredentials } from './without-credentials.ts';

test.each([
  ['GET https://user:pass@host/x failed', 'GET https://***@host/x failed'],
  ['proxy http://user:p@ss@host:3128: 407', 'proxy http://***@host:3128: 407'],
  ['"//token@host/x"', '"//***@host/x"'],
  ['https://host/x?X-Amz-Signature=abc&y=1, then', 'https://host/x?*** then'],
  ['see "https://host/x?sig=a%2Fb" and b@c', 'see "https://host/x?***" and b@c'],
  ['https://host/x?<redacted>: what? nothing', 'https://host/x?<redacted>: what? nothing'],
  ['mail a@b, path /x/y@z', 'mail a@b, path /x/y@z'],
])('%s is shown as %s', (text, shown) => {
  expect(withoutCredentials(text)).toBe(shown);
  expect(withoutCredentials(shown)).toBe(shown);
});

function logged(text: string): string {
  let line = '';
  createLog((written) => (line = written)).warn(text, { field: text });
  return line;
}

const borders: Readonly<Record<string, (text: string) => string>> = {
  "a pod's log": logged,
  'the report of an error that is ours': (text) => failureReport(new PermanentError('X', text)).message,
  'the report of any other error': (text) => failureReport(new TypeError(text)).message,
  'the error of a snapshot': (text) => errorText({ reason: 'X', message: text }),
};

test.each(Object.entries(borders))('%s has no password and no signature of a URL', (_, border) => {
  const words = fc.string({ unit: fc.constantFrom('k', 'Q', '7', '@', ':', '%', '&', '=', '+', '.'), minLength: 3 });
  fc.assert(
    fc.property(words, words, (password, signature) => {
      const [secret, signed] = [`k${password}k`, `Q${signature}Q`];
      const text = border(`Get "https://user:${secret}@host/path?sig=${signed}": refused`);
      expect(text).toContain('Get ');
      expect(text).toContain('host/path?***');
      expect(text).not.toContain(secret);
      expect(text).not.toContain(signed);
    }),
  );
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readCredentials } from './credentials.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'credentials-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function read(secret: Readonly<Record<string, string>>) {
  for (const [key, value] of Object.entries(secret)) writeFileSync(join(dir, key), value);
  return readCredentials(dir);
}

describe('headers', () => {
  test.each([
    ['a token', { token: 'abc\n' }, { authorization: 'Bearer abc' }],
    ['a user', { username: 'u', password: 'p:q' }, { authorization: 'Basic dTpwOnE=' }],
    ['lines', { headers: 'X-Key: a b\r\n\nx-other:c\n' }, { 'x-key': 'a b', 'x-other': 'c' }],
  ])('from %s', (_what, keys, headers) => {
    expect(read({ hosts: 'example.com', ...keys }).headers).toEqual(headers);
  });
});

test('S3 keys are none of the headers', () => {
  const keys = { accessKeyId: 'A', secretAccessKey: 'S\n', sessionToken: 'T' };
  const { headers, s3 } = read({ hosts: 'example.com', ...keys });
  expect(headers).toEqual({});
  expect(s3).toEqual({ accessKeyId: 'A', secretAccessKey: 'S', sessionToken: 'T' });
});

describe('hosts', () => {
  test.each([
    ['example.com', 'https://example.com/a', true],
    ['example.com', 'http://example.com/a', false],
    ['http://example.com', 'http://example.com/a', true],
    ['http://example.com', 'https://example.com/a', false],
    ['https://example.com/', 'https://example.com/a', true],
    ['HTTP://Example.COM:8080', 'http://example.com:8080/a', true],
    ['http://example.com:80', 'http://example.com/a', true],
    ['example.com:80', 'http://example.com/a', false],
    ['Example.COM', 'https://example.com/a', true],
    ['example.com', 'https://example.com:8443/a', false],
    ['example.com:8443', 'https://example.com:8443/a', true],
    ['example.com:443', 'https://example.com/a', true],
    ['example.com', 'https://example.com.evil.org/a', false],
    ['example.com', 'https://sub.example.com/a', false],
    ['a.org,\n b.org c.org', 'https://b.org/', true],
    ['[::1]:443', 'https://[::1]/', true],
    ['http://[::1]', 'http://[::1]/', true],
  ])('%j and %s: %s', (hosts, url, allowed) => {
    expect(read({ hosts, token: 't' }).ways.allows(new URL(url))).toBe(allowed);
  });
});

describe('a Secret that is not usable is refused, naming the key and never a value', () => {
  const secret = 'geheim';
  test.each([
    ['no hosts', { token: secret }, '"hosts"'],
    ['empty hosts', { hosts: ' \n', token: secret }, '"hosts"'],
    ['a host with a path', { hosts: 'a/b', token: secret }, '"hosts" has an entry'],
    ['a host with a user', { hosts: `u:${secret}@a`, token: secret }, '"hosts" has an entry'],
    ['a host of another scheme', { hosts: 'ftp://a', token: secret }, '"hosts" has an entry'],
    ['a proxy with a user', { hosts: 'a', proxies: `u:${secret}@a`, token: secret }, '"proxies" has an entry'],
    ['no digest', { hosts: 'a', caBundles: secret, token: secret }, '"caBundles" has an entry'],
    ['no authority', { hosts: 'a', 'ca.crt': secret, token: secret }, '"ca.crt" holds no certificate'],
    ['nothing to send', { hosts: 'a' }, 'exactly one of'],
    ['two kinds', { hosts: 'a', token: secret, headers: `a: ${secret}` }, 'exactly one of'],
    ['S3 keys and a token', { hosts: 'a', token: secret, accessKeyId: secret, secretAccessKey: secret }, 'exactly one'],
    ['half of the S3 keys', { hosts: 'a', accessKeyId: secret }, '"secretAccessKey" is missing'],
    ['a certificate without its key', { hosts: 'a', 'tls.crt': secret }, '"tls.key" is missing'],
    ['no certificate', { hosts: 'a', 'tls.crt': secret, 'tls.key': secret }, 'PEM'],
    ['no password', { hosts: 'a', username: secret }, '"password" is missing'],
    ['no username', { hosts: 'a', password: secret }, '"username" is missing'],
    ['a colon in the username', { hosts: 'a', username: `${secret}:`, password: secret }, '"username" must not'],
    ['a line break in the token', { hosts: 'a', token: `${secret}\r\nx: y` }, '"token" holds'],
    ['a line without a colon', { hosts: 'a', headers: `X: ${secret}\n${secret}` }, 'line 2 of "headers"'],
    ['a name with a space', { hosts: 'a', headers: `X Y: ${secret}` }, 'line 1 of "headers"'],
    ['a reserved name', { hosts: 'a', headers: `Host: ${secret}` }, 'sets Host'],
    [
      'what is for a proxy',
      { hosts: 'a', headers: `Proxy-Authorization: ${secret}` },
      'belongs into the Secret of proxySecretRef',
    ],
    ['no lines', { hosts: 'a', headers: '\n' }, '"headers" is empty'],
  ])('%s', (_what, keys, words) => {
    const refusal = expect(() => read(keys as Record<string, string>));
    refusal.toThrow(expect.objectContaining({ code: 'CredentialsInvalid', message: expect.stringContaining(words) }));
    refusal.toThrow(expect.objectContaining({ message: expect.not.stringContaining(secret) }));
  });
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readCredentials } from './index.ts';
import { passed, refused } from './variables.ts';

let work: string;
let secretDir: string;
let secretsDir: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'credentials-'));
  [secretDir, secretsDir] = [join(work, 'secret'), join(work, 'secrets')];
  for (const directory of [secretDir, secretsDir]) mkdirSync(directory);
  secret('password', 'correct horse battery');
});
afterEach(() => rmSync(work, { recursive: true }));

const secret = (key: string, text: string) => writeFileSync(join(secretDir, key), text);
const credentials = () => readCredentials({ secretDir, repositoryDir: '/repository', secretsDir });

const addresses = {
  s3: 's3:https://host/bucket',
  rest: 'rest:https://host/',
  azure: 'azure:container:/',
  b2: 'b2:bucketname',
  gs: 'gs:bucket:/',
  swift: 'swift:container:/',
  local: '/repository',
};

const valueOf = (key: string) =>
  passed[key]?.form?.test('https://host') === true ? 'https://host/v3' : 'value-of-key';

describe('of each variable that restic and its libraries read', () => {
  test.each(Object.keys(passed))('%s reaches repositories of its kind, and no others', (key) => {
    secret(key, valueOf(key));
    for (const [kind, address] of Object.entries(addresses)) {
      secret('repository', address);
      const mine = passed[key]?.kinds.some((name) => name === kind) === true;
      expect(credentials().env).toEqual(mine ? { [key]: valueOf(key) } : {});
    }
  });

  test.each(Object.entries(refused))('%s is refused, for it names %s', (key, what) => {
    secret('repository', addresses.s3);
    secret(key, 'x');
    const message = expect.stringMatching(`"${key}" names ${what}`);
    expect(credentials).toThrow(expect.objectContaining({ code: 'CredentialsInvalid', message }));
  });

  test.each([
    ['AZURE_ACCOUNT_NAME', 'azure', 'x@evil.example.com/'],
    ['AZURE_ENDPOINT_SUFFIX', 'azure', 'evil.example.com/?'],
    ['OS_AUTH_URL', 'swift', 'https://user:password@host/'],
    ['OS_STORAGE_URL', 'swift', 'file:///etc/passwd'],
    ['AWS_DEFAULT_REGION', 's3', 'x.evil.example.com/'],
  ] as const)('%s is part of an address, and must look like one', (key, kind, value) => {
    secret('repository', addresses[kind]);
    secret(key, value);
    expect(credentials).toThrow(expect.objectContaining({ message: expect.not.stringContaining(value) }));
  });

  test.each(['constructor', '__proto__', 'OTHER'])('the key %s is left alone', (key) => {
    secret('repository', addresses.s3);
    secret(key, 'x');
    expect(credentials().env).toEqual({});
  });
});

test("Google's credentials reach restic as they are made again, for gs: alone", () => {
  const private_key = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----\n';
  const account = { type: 'service_account', private_key, client_email: 'a@b', token_uri: 'https://evil.example.com' };
  secret('repository', addresses.gs);
  secret('GOOGLE_APPLICATION_CREDENTIALS', JSON.stringify(account));
  const { env, redact } = credentials();
  expect(readFileSync(env['GOOGLE_APPLICATION_CREDENTIALS'] ?? '', 'utf8')).not.toContain('evil');
  expect(redact('bad key MIIEvQIBADANBgkqhkiG9w0BAQ')).toBe('bad key ***');
  secret('GOOGLE_APPLICATION_CREDENTIALS', JSON.stringify({ ...account, type: 'external_account' }));
  expect(credentials).toThrow('external_account');
});

test('restic gets the address without user and password, which are in its environment', () => {
  secret('repository', 'rest:https://user:p@ss%2Fword@host/x');
  const { args, env, redact } = credentials();
  expect(readFileSync(args[1] ?? '', 'utf8')).toBe('rest:https://host/x');
  expect(env).toEqual({ RESTIC_REST_USERNAME: 'user', RESTIC_REST_PASSWORD: 'p@ss/word' });
  expect(redact('p@ss/word, p%40ss%2Fword, p@ss%2Fword')).not.toMatch(/ss.*word/);
});

test('a message has neither the address nor any secret, also of another kind of repository', () => {
  secret('repository', 's3:https://minio.internal:9000/bucket/db');
  secret('B2_ACCOUNT_KEY', 'key-of-b2');
  secret('RESTIC_PASSWORD', 'password-too');
  const text = credentials().redact(
    'unable to open s3:https://minio.internal:9000/bucket/db: Head "https://minio.internal:9000/bucket/db/config": key-of-b2, password-too, correct horse battery',
  );
  expect(text).toBe('unable to open ***: Head "***/config": ***, ***, ***');
});

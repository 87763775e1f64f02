import { expect, test } from '@jest/globals';
import { googleCredentials } from './google.ts';

const key = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----\n';
const account = { type: 'service_account', private_key: key, client_email: 'backup@project.iam.gserviceaccount.com' };
const of = (value: unknown) => googleCredentials(JSON.stringify(value));

test('a service account is made again of its known members, with the addresses fixed', () => {
  const given = {
    ...account,
    project_id: 'project',
    token_uri: 'https://evil.example.com/token',
    auth_uri: 'https://evil.example.com/auth',
    client_x509_cert_url: 'file:///etc/passwd',
    credential_source: { file: '/etc/passwd' },
    service_account_impersonation_url: 'https://evil.example.com/',
  };
  expect(JSON.parse(of(given).json)).toEqual({
    ...account,
    project_id: 'project',
    token_uri: 'https://oauth2.googleapis.com/token',
    universe_domain: 'googleapis.com',
  });
  expect(of(given).secrets).toContain(key);
});

test.each([
  'external_account',
  'external_account_authorized_user',
  'authorized_user',
  'impersonated_service_account',
  'gdch_service_account',
  'Service_Account',
  '\u001b[2J',
])('the type %j is refused by its name', (type) => {
  const message = expect.stringContaining(`is of type "${type === '\u001b[2J' ? '\\u{1b}[2J' : type}"`);
  const given = { ...account, type, credential_source: { file: '/etc/passwd' } };
  expect(() => of(given)).toThrow(expect.objectContaining({ code: 'CredentialsInvalid', message }));
});

test.each([
  [{ ...account, universe_domain: 'evil.example.com' }, 'universe_domain'],
  [{ ...account, private_key: 'secret-text' }, 'private_key'],
  [{ ...account, client_email: undefined }, 'client_email'],
  [{ private_key: key }, 'no type'],
  [[], 'not a JSON object'],
  ['secret-text', 'not a JSON object'],
])('%j is refused', (value, words) => {
  expect(() => of(value)).toThrow(words);
  expect(() => of(value)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret-text') }));
});

test('text that is no JSON is not quoted, also not in a cause', () => {
  let error: unknown;
  try {
    googleCredentials('{secret-text');
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ code: 'CredentialsInvalid' });
  expect((error as Error).cause).toBeUndefined();
  expect(String(error)).not.toContain('secret-text');
});

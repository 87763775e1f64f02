import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { type Authority, createAuthority } from '../../test/support/certificates.ts';
import { resticInPath } from '../../test/support/restic.ts';
import { type S3Server, startS3Server } from '../../test/support/s3-server.ts';
import { silent } from '../../test/support/silent-logger.ts';
import { readCredentials, Repository } from './index.ts';

/** restic and the server are built where this machine has none. */
jest.setTimeout(600_000);

let root: string;
let authority: Authority;
let other: Authority;
let server: S3Server;
beforeAll(async () => {
  await resticInPath();
  root = mkdtempSync(join(tmpdir(), 'trust-'));
  const [one, two] = [join(root, 'one'), join(root, 'two')];
  for (const directory of [one, two]) mkdirSync(directory);
  authority = createAuthority(one);
  other = createAuthority(two);
  authority.issue('server');
  server = await startS3Server(root, { cert: join(one, 'server.crt'), key: join(one, 'server.key') });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

let secretDir: string;
let secretsDir: string;
let count = 0;
const systems = process.env['SSL_CERT_FILE'];
beforeEach(() => {
  count += 1;
  [secretDir, secretsDir] = [join(root, `secret-${count}`), join(root, `secrets-${count}`)];
  for (const directory of [secretDir, secretsDir]) mkdirSync(directory);
  secret('repository', `s3:${server.url}/bucket-${count}/here`);
  secret('password', 'correct horse battery');
  secret('AWS_ACCESS_KEY_ID', server.accessKeyId);
  secret('AWS_SECRET_ACCESS_KEY', server.secretAccessKey);
  secret('AWS_DEFAULT_REGION', server.region);
});
afterEach(() => {
  if (systems === undefined) delete process.env['SSL_CERT_FILE'];
  else process.env['SSL_CERT_FILE'] = systems;
});

const secret = (key: string, text: string) => writeFileSync(join(secretDir, key), text);

function open(operatorCa?: string): Promise<unknown> {
  const credentials = readCredentials({ secretDir, repositoryDir: '/repository', secretsDir, operatorCa });
  const { signal } = new AbortController();
  const options = { credentials, scratch: secretsDir, logger: silent, signal, openTimeoutMs: 20_000 };
  return new Repository(options).open('create', []);
}

test('a server whose certificate nobody vouches for is not talked to', async () => {
  secret('ca.crt', other.cert);
  await expect(open()).rejects.toMatchObject({ code: 'RepositoryUnreachable' });
});

test("the Secret's certificates count, and those of the operator", async () => {
  await expect(open(authority.file)).resolves.toEqual([]);
  secret('ca.crt', authority.cert);
  await expect(open()).resolves.toEqual([]);
  await expect(open(join(root, 'is-not-there'))).resolves.toEqual([]);
});

test("those of the system count beside the Secret's and the operator's", async () => {
  process.env['SSL_CERT_FILE'] = authority.file;
  secret('ca.crt', other.cert);
  await expect(open(other.file)).resolves.toEqual([]);
});

test('a ca.crt without a certificate is refused', () => {
  secret('ca.crt', 'not a certificate');
  expect(() => readCredentials({ secretDir, repositoryDir: '/repository', secretsDir })).toThrow(
    expect.objectContaining({ code: 'CredentialsInvalid', message: expect.stringContaining('ca.crt') }),
  );
});

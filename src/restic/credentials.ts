/** A repository's Secret, each key a file: what it may say, and how restic is told of it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { PermanentError } from '../sdk/errors.ts';

export interface CredentialsOptions {
  /** Where the Secret is mounted. */
  readonly secretDir: string;
  /** The only directory in which a repository may be a path. */
  readonly repositoryDir: string;
  /** Of this process alone; the files for restic are written there. */
  readonly scratch: string;
}

export interface Credentials {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where the repository is, if that is a path. */
  readonly path: string | undefined;
  /** Takes everything secret out of a text. */
  redact(text: string): string;
}

/** Of the back ends. Not among them: what would start a program or name a file of this machine. */
const VARIABLES: ReadonlySet<string> = new Set([
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_DEFAULT_REGION',
  'AWS_REGION',
  'AZURE_ACCOUNT_NAME',
  'AZURE_ACCOUNT_KEY',
  'AZURE_ACCOUNT_SAS',
  'AZURE_ENDPOINT_SUFFIX',
  'B2_ACCOUNT_ID',
  'B2_ACCOUNT_KEY',
  'GOOGLE_PROJECT_ID',
  'GOOGLE_ACCESS_TOKEN',
  'OS_AUTH_URL',
  'OS_REGION_NAME',
  'OS_USERNAME',
  'OS_PASSWORD',
  'OS_TENANT_ID',
  'OS_TENANT_NAME',
  'OS_USER_ID',
  'OS_USER_DOMAIN_NAME',
  'OS_USER_DOMAIN_ID',
  'OS_PROJECT_NAME',
  'OS_PROJECT_DOMAIN_NAME',
  'OS_PROJECT_DOMAIN_ID',
  'OS_TRUST_ID',
  'OS_APPLICATION_CREDENTIAL_ID',
  'OS_APPLICATION_CREDENTIAL_NAME',
  'OS_APPLICATION_CREDENTIAL_SECRET',
  'OS_STORAGE_URL',
  'OS_AUTH_TOKEN',
  'ST_AUTH',
  'ST_USER',
  'ST_KEY',
  'RESTIC_REST_USERNAME',
  'RESTIC_REST_PASSWORD',
]);

/** Their content is a file's, and restic is told its name. */
const FILES: ReadonlySet<string> = new Set(['GOOGLE_APPLICATION_CREDENTIALS']);
const CA = 'ca.crt';
const PLAIN = new Set(['AWS_DEFAULT_REGION', 'AWS_REGION', 'AZURE_ENDPOINT_SUFFIX', 'OS_REGION_NAME']);

/** @throws PermanentError `CredentialsInvalid` naming the key. */
export function readCredentials({ secretDir, repositoryDir, scratch }: CredentialsOptions): Credentials {
  const read = (key: string) => readFileSync(join(secretDir, key), 'utf8');
  // A mounted Secret has names that begin with two dots beside its keys.
  const keys = listKeys(secretDir);
  for (const key of ['repository', 'password']) {
    if (!keys.includes(key)) throw invalid(`it lacks the key "${key}".`);
  }
  const repository = read('repository').trim();
  const path = checkAddress(repository, repositoryDir);
  const password = read('password').replace(/\r?\n$/, '');
  if (password === '') throw invalid('the key "password" is empty.');
  const variables = keys.filter((key) => VARIABLES.has(key)).map((key) => [key, read(key).trim()] as const);
  // Copies: the Secret may change while restic runs, to an address that nobody has looked at.
  const copy = (name: string, text: string) => {
    writeFileSync(join(scratch, name), text, { mode: 0o600 });
    return join(scratch, name);
  };
  const files = keys.filter((key) => FILES.has(key)).map((key) => [key, copy(key, read(key))] as const);
  const secrets = [password, ...variables.filter(([key]) => !PLAIN.has(key)).map(([, value]) => value)];
  return {
    args: [
      '--repository-file',
      copy('repository', repository),
      '--password-file',
      copy('password', password),
      ...(keys.includes(CA) ? ['--cacert', copy(CA, read(CA))] : []),
    ],
    env: Object.fromEntries([...variables, ...files]),
    path,
    redact: (text) => redact(text, secrets),
  };
}

function listKeys(secretDir: string): readonly string[] {
  try {
    return readdirSync(secretDir).filter((name) => !name.startsWith('..'));
  } catch (cause) {
    throw invalid('it is not mounted.', cause);
  }
}

const REMOTE = /^(s3|rest|sftp|azure|gs|b2|swift):[^\s]+$/;

/** @returns the path, where it is one. */
function checkAddress(repository: string, repositoryDir: string): string | undefined {
  const path = repository.replace(/^local:/, '');
  if (path.startsWith('/')) {
    const clean = normalize(path);
    if (clean === repositoryDir || clean.startsWith(`${repositoryDir}/`)) return clean;
    throw invalid(
      `the key "repository" is a path outside of ${repositoryDir}, where the claim of the repository is mounted.`,
    );
  }
  if (!REMOTE.test(repository)) {
    throw invalid('the key "repository" is neither s3:, rest:, sftp:, azure:, gs:, b2: or swift: nor a path.');
  }
  // ssh would take it for an option.
  if (/^sftp:(\/\/)?([^@/]*@)?-/.test(repository)) throw invalid('the host in the key "repository" begins with "-".');
  return undefined;
}

/** Shorter ones would blank out innocent words, and protect nothing. */
const SHORTEST_SECRET = 4;

function redact(text: string, secrets: readonly string[]): string {
  const withoutUrls = text.replace(/(\/\/)[^/@\s"]+@/g, '$1***@');
  return secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .reduce((words, secret) => words.replaceAll(secret, '***'), withoutUrls);
}

function invalid(what: string, cause?: unknown): PermanentError {
  return new PermanentError('CredentialsInvalid', `The Secret of the repository cannot be used: ${what}`, { cause });
}

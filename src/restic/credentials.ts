/** A repository's Secret, each key a file: what it may say, and how restic is told of it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { PermanentError } from '../sdk/errors.ts';
import { keyForSsh, KNOWN_HOSTS, PRIVATE_KEY, sshOptions } from './ssh.ts';

export interface CredentialsOptions {
  /** Where the Secret is mounted. */
  readonly secretDir: string;
  /** The only directory in which a repository may be a path. */
  readonly repositoryDir: string;
  /** Of this process alone, and best in memory: the files for restic and ssh are written there. */
  readonly secretsDir: string;
  /** PEM file with what the operator wants to be trusted beside the system's certificates; it may be missing. */
  readonly operatorCa?: string | undefined;
}

export interface Credentials {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where the repository is, if that is a path. */
  readonly path: string | undefined;
  /** Where ssh writes what goes wrong, if the repository is reached by it. */
  readonly sshLog: string | undefined;
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
export function readCredentials(options: CredentialsOptions): Credentials {
  const { secretDir, repositoryDir, secretsDir } = options;
  const read = (key: string) => readFileSync(join(secretDir, key), 'utf8');
  // A mounted Secret has names that begin with two dots beside its keys.
  const keys = listKeys(secretDir);
  const demand = (wanted: readonly string[]) => {
    for (const key of wanted) if (!keys.includes(key)) throw invalid(`it lacks the key "${key}".`);
  };
  demand(['repository', 'password']);
  const repository = read('repository').trim();
  const path = checkAddress(repository, repositoryDir);
  const password = read('password').replace(/\r?\n$/, '');
  if (password === '') throw invalid('the key "password" is empty.');
  const variables = keys.filter((key) => VARIABLES.has(key)).map((key) => [key, read(key).trim()] as const);
  // Copies: the Secret may change while restic runs, to an address that nobody has looked at.
  const copy = (name: string, text: string) => {
    writeFileSync(join(secretsDir, name), text, { mode: 0o600 });
    return join(secretsDir, name);
  };
  const files = keys.filter((key) => FILES.has(key)).map((key) => [key, copy(key, read(key))] as const);
  const isSftp = repository.startsWith('sftp:');
  if (isSftp) demand([PRIVATE_KEY, KNOWN_HOSTS]);
  const sshLog = isSftp ? join(secretsDir, 'ssh.log') : undefined;
  const ssh = sshLog
    ? sshOptions({
        identityFile: copy(PRIVATE_KEY, keyForSsh(read(PRIVATE_KEY))),
        knownHostsFile: copy(KNOWN_HOSTS, read(KNOWN_HOSTS)),
        log: sshLog,
      })
    : [];
  const secrets = [password, ...variables.filter(([key]) => !PLAIN.has(key)).map(([, value]) => value)];
  return {
    args: ['--repository-file', copy('repository', repository), '--password-file', copy('password', password), ...ssh],
    env: { ...Object.fromEntries([...variables, ...files]), ...trusted(options, keys.includes(CA) ? read(CA) : '') },
    path,
    sshLog,
    redact: (text) => redact(text, secrets),
  };
}

/**
 * Certificates beside those of the system. restic's own --cacert would take their place; of a directory in SSL_CERT_DIR Go reads all files beside
 * the system's one file, which SSL_CERT_FILE names (crypto/x509, root_unix.go).
 */
function trusted({ secretsDir, operatorCa }: CredentialsOptions, ofSecret: string): Record<string, string> {
  if (ofSecret !== '' && !ofSecret.includes('-----BEGIN CERTIFICATE-----')) {
    throw invalid(`the key "${CA}" holds no certificate in PEM form.`);
  }
  const ofOperator = operatorCa === undefined ? '' : readIfThere(operatorCa);
  if (ofSecret + ofOperator === '') return {};
  const directory = join(secretsDir, 'ca');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'repository.crt'), ofSecret);
  writeFileSync(join(directory, 'operator.crt'), ofOperator);
  return { SSL_CERT_DIR: directory };
}

/** The ConfigMap of the operator's CA is optional: without it the system's certificates count alone. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
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

/** A repository's Secret, each key a file: what it may say, and how restic is told of it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PermanentError } from '../sdk/errors.ts';
import { parseAddress, printAddress, type RepositoryAddress, writtenUserinfo } from './address.ts';
import { googleCredentials } from './google.ts';
import { redactor } from './redact.ts';
import { keyForSsh, KNOWN_HOSTS, PRIVATE_KEY, sshOptions } from './ssh.ts';
import { isFor, isSecret, refuseKeys } from './variables.ts';

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

const GOOGLE = 'GOOGLE_APPLICATION_CREDENTIALS';
const CA = 'ca.crt';

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
  refuseKeys(keys);
  const given = read('repository').trim();
  const address = parseAddress(given);
  const path = address.kind === 'local' ? pathWithin(address.path, repositoryDir) : undefined;
  const password = read('password').replace(/\r?\n$/, '');
  if (password === '') throw invalid('the key "password" is empty.');
  const values = keys.filter((key) => isSecret(key) || isFor(address.kind, key, read(key).trim()));
  const variables = values.map((key) => [key, read(key).trim()] as const);
  // Copies: the Secret may change while restic runs, to an address that nobody has looked at.
  const copy = (name: string, text: string) => {
    writeFileSync(join(secretsDir, name), text, { mode: 0o600 });
    return join(secretsDir, name);
  };
  const google = address.kind === 'gs' && keys.includes(GOOGLE) ? googleCredentials(read(GOOGLE)) : undefined;
  const isSftp = address.kind === 'sftp';
  if (isSftp) demand([PRIVATE_KEY, KNOWN_HOSTS]);
  const sshKey = isSftp ? keyForSsh(read(PRIVATE_KEY)) : '';
  const sshLog = isSftp ? join(secretsDir, 'ssh.log') : undefined;
  const ssh = sshLog
    ? sshOptions({
        identityFile: copy(PRIVATE_KEY, sshKey),
        knownHostsFile: copy(KNOWN_HOSTS, read(KNOWN_HOSTS)),
        log: sshLog,
      })
    : [];
  const repository = printAddress(address);
  const secrets = [
    password,
    sshKey,
    ...secretsOf(address, given),
    ...variables.filter(([key]) => isSecret(key)).map(([, value]) => value),
    ...(google?.secrets ?? []),
  ];
  return {
    args: ['--repository-file', copy('repository', repository), '--password-file', copy('password', password), ...ssh],
    env: {
      ...Object.fromEntries(variables.filter(([key, value]) => isFor(address.kind, key, value))),
      ...ofRest(address),
      ...(google && { [GOOGLE]: copy(GOOGLE, google.json) }),
      ...trusted(options, keys.includes(CA) ? read(CA) : ''),
    },
    path,
    sshLog,
    redact: redactor(secrets),
  };
}

/** restic's own rule: those of the address count before those of the environment. */
function ofRest(address: RepositoryAddress): Record<string, string> {
  if (address.kind !== 'rest') return {};
  const { user = '', password } = address;
  if (user === '' && password === undefined) return {};
  return { RESTIC_REST_USERNAME: user, RESTIC_REST_PASSWORD: password ?? '' };
}

/** The address as a whole stands in a Secret too, and what restic says reaches readers of the snapshot who may not read that. */
function secretsOf(address: RepositoryAddress, given: string): readonly string[] {
  if (address.kind === 'local') return [];
  const printed = printAddress(address);
  const whole = [given, printed].flatMap((text) => [text, text.replace(/^\w+:/, '')]);
  return [...whole, ...(address.kind === 'rest' ? [...writtenUserinfo(given), address.password ?? ''] : [])];
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

function pathWithin(path: string, repositoryDir: string): string {
  if (path === repositoryDir || path.startsWith(`${repositoryDir}/`)) return path;
  throw invalid(
    `the key "repository" is a path outside of ${repositoryDir}, where the claim of the repository is mounted.`,
  );
}

function invalid(what: string, cause?: unknown): PermanentError {
  return new PermanentError('CredentialsInvalid', `The Secret of the repository cannot be used: ${what}`, { cause });
}

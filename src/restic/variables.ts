/**
 * Keys of a repository's Secret that are variables of restic 0.18 or of the libraries in it (minio-go, oauth2/google, azidentity, swift, blazer):
 * which ones restic gets, for which kind of repository, and which ones are refused because they name a program, a file, an address or an identity
 * that is not the Secret's. All other keys are left alone. Pure.
 */
import { PermanentError } from '../sdk/errors.ts';
import type { RepositoryAddress } from './address.ts';

type Kind = RepositoryAddress['kind'];

interface Passed {
  readonly kinds: readonly Kind[];
  /** Is it no secret, and so left in messages? */
  readonly plain?: true;
  /** What the value must look like where it becomes part of an address. */
  readonly form?: RegExp;
}

const AZURE = { kinds: ['azure'] } as const;
const B2 = { kinds: ['b2'] } as const;
const GS = { kinds: ['gs'] } as const;
const REST = { kinds: ['rest'] } as const;
const S3 = { kinds: ['s3'] } as const;
const SWIFT = { kinds: ['swift'] } as const;
const NAME = /^[A-Za-z0-9][A-Za-z0-9-]*$/;
const DOMAIN = /^[A-Za-z0-9][A-Za-z0-9.-]*(:\d{1,5})?$/;
/** Swift has no other address than that of its server, which asks for the password. */
const SERVER = /^https?:\/\/[A-Za-z0-9[][A-Za-z0-9.:[\]_-]*(\/[^\s?#@]*)?$/;

export const passed: Readonly<Record<string, Passed>> = {
  AWS_ACCESS_KEY_ID: S3,
  AWS_SECRET_ACCESS_KEY: S3,
  AWS_SESSION_TOKEN: S3,
  AWS_DEFAULT_REGION: { ...S3, plain: true, form: NAME },
  AWS_REGION: { ...S3, plain: true, form: NAME },
  AZURE_ACCOUNT_NAME: { ...AZURE, form: NAME },
  AZURE_ACCOUNT_KEY: AZURE,
  AZURE_ACCOUNT_SAS: AZURE,
  AZURE_ENDPOINT_SUFFIX: { ...AZURE, plain: true, form: DOMAIN },
  B2_ACCOUNT_ID: B2,
  B2_ACCOUNT_KEY: B2,
  GOOGLE_PROJECT_ID: GS,
  GOOGLE_ACCESS_TOKEN: GS,
  OS_AUTH_URL: { ...SWIFT, form: SERVER },
  OS_REGION_NAME: { ...SWIFT, plain: true },
  OS_USERNAME: SWIFT,
  OS_PASSWORD: SWIFT,
  OS_TENANT_ID: SWIFT,
  OS_TENANT_NAME: SWIFT,
  OS_USER_ID: SWIFT,
  OS_USER_DOMAIN_NAME: SWIFT,
  OS_USER_DOMAIN_ID: SWIFT,
  OS_PROJECT_NAME: SWIFT,
  OS_PROJECT_DOMAIN_NAME: SWIFT,
  OS_PROJECT_DOMAIN_ID: SWIFT,
  OS_TRUST_ID: SWIFT,
  OS_APPLICATION_CREDENTIAL_ID: SWIFT,
  OS_APPLICATION_CREDENTIAL_NAME: SWIFT,
  OS_APPLICATION_CREDENTIAL_SECRET: SWIFT,
  OS_STORAGE_URL: { ...SWIFT, form: SERVER },
  OS_AUTH_TOKEN: SWIFT,
  ST_AUTH: { ...SWIFT, form: SERVER },
  ST_USER: SWIFT,
  ST_KEY: SWIFT,
  RESTIC_REST_USERNAME: REST,
  RESTIC_REST_PASSWORD: REST,
};

const PROGRAM = 'a program';
const FILE = 'a file';
const ADDRESS = 'another address';
const IDENTITY = 'an identity that is not in the Secret';

export const refused: Readonly<Record<string, string>> = {
  RESTIC_PASSWORD_COMMAND: PROGRAM,
  RESTIC_FROM_PASSWORD_COMMAND: PROGRAM,
  SSH_ASKPASS: PROGRAM,
  GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: PROGRAM,
  LD_PRELOAD: PROGRAM,
  LD_LIBRARY_PATH: PROGRAM,
  PATH: PROGRAM,
  RESTIC_REPOSITORY_FILE: FILE,
  RESTIC_FROM_REPOSITORY_FILE: FILE,
  RESTIC_PASSWORD_FILE: FILE,
  RESTIC_FROM_PASSWORD_FILE: FILE,
  RESTIC_CACERT: FILE,
  RESTIC_TLS_CLIENT_CERT: FILE,
  RESTIC_CACHE_DIR: FILE,
  DEBUG_LOG: FILE,
  HOME: FILE,
  TMPDIR: FILE,
  SSL_CERT_FILE: FILE,
  SSL_CERT_DIR: FILE,
  SSH_AUTH_SOCK: FILE,
  AWS_SHARED_CREDENTIALS_FILE: FILE,
  AWS_CONFIG_FILE: FILE,
  AWS_PROFILE: FILE,
  AWS_WEB_IDENTITY_TOKEN_FILE: FILE,
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: FILE,
  MINIO_SHARED_CREDENTIALS_FILE: FILE,
  AZURE_FEDERATED_TOKEN_FILE: FILE,
  AZURE_CLIENT_CERTIFICATE_PATH: FILE,
  CLOUDSDK_CONFIG: FILE,
  GOOGLE_API_CERTIFICATE_CONFIG: FILE,
  RESTIC_FROM_REPOSITORY: ADDRESS,
  RESTIC_AWS_ASSUME_ROLE_STS_ENDPOINT: ADDRESS,
  AWS_CONTAINER_CREDENTIALS_FULL_URI: ADDRESS,
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: ADDRESS,
  AZURE_AUTHORITY_HOST: ADDRESS,
  AZURE_POD_IDENTITY_AUTHORITY_HOST: ADDRESS,
  IDENTITY_ENDPOINT: ADDRESS,
  IMDS_ENDPOINT: ADDRESS,
  MSI_ENDPOINT: ADDRESS,
  GCE_METADATA_HOST: ADDRESS,
  STORAGE_EMULATOR_HOST: ADDRESS,
  GOOGLE_CLOUD_UNIVERSE_DOMAIN: ADDRESS,
  HTTP_PROXY: ADDRESS,
  HTTPS_PROXY: ADDRESS,
  NO_PROXY: ADDRESS,
  http_proxy: ADDRESS,
  https_proxy: ADDRESS,
  no_proxy: ADDRESS,
  AWS_ROLE_ARN: IDENTITY,
  RESTIC_AWS_ASSUME_ROLE_ARN: IDENTITY,
  AZURE_FORCE_CLI_CREDENTIAL: IDENTITY,
};

/** @throws PermanentError `CredentialsInvalid` naming the first key that is refused. */
export function refuseKeys(keys: readonly string[]): void {
  for (const key of keys) {
    const what = Object.hasOwn(refused, key) ? refused[key] : undefined;
    if (what !== undefined) throw invalid(`its key "${key}" names ${what}, which no Secret may. Remove the key`);
  }
}

/** Is the key one whose value must not be shown, whether this repository needs it or not? */
export function isSecret(key: string): boolean {
  return key === 'RESTIC_PASSWORD' || (Object.hasOwn(passed, key) && passed[key]?.plain !== true);
}

/** Has the key a value for a repository of this kind? @throws PermanentError `CredentialsInvalid` where it cannot be one. */
export function isFor(kind: Kind, key: string, value: string): boolean {
  const rule = Object.hasOwn(passed, key) ? passed[key] : undefined;
  if (rule?.kinds.includes(kind) !== true) return false;
  if (rule.form !== undefined && !rule.form.test(value)) throw invalid(`its key "${key}" has no usable value`);
  return true;
}

function invalid(what: string): PermanentError {
  return new PermanentError('CredentialsInvalid', `The Secret of the repository cannot be used: ${what}.`);
}

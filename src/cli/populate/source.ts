/** What to populate from: a URL on the command line, or a Provider in a file as it would be applied to a cluster. */
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { PROVIDER_GROUP } from '../../api/names.ts';
import { providerSpecSchema, type ProviderSpec } from '../../api/provider.ts';
import { PermanentError } from '../../sdk/index.ts';
import { wordsOf } from '../../words-of.ts';

/** As the flags say it. */
export interface SourceFlags extends UrlFlags {
  /** `-` reads standard input. */
  readonly filename?: string;
  /** Name of the Provider, where the file has several. */
  readonly provider?: string;
  /** Directory with the keys of the Secret as files. */
  readonly credentials?: string;
  /** PEM file. */
  readonly caBundle?: string;
  readonly proxy?: string;
  /** Directory with the keys of the proxy's Secret as files. */
  readonly proxyCredentials?: string;
}

/** Fields of a Provider: with a file they stand in there. */
export interface UrlFlags {
  readonly url?: string;
  readonly mirror?: readonly string[];
  readonly extractPath?: string;
  readonly checksum?: string;
  readonly format?: string;
  readonly stripComponents?: number;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

export interface Source {
  readonly spec: ProviderSpec;
  /** Where the keys of the Secrets are, and those of the ConfigMap with certificates, for a spec that names them. */
  readonly credentialsDir: string;
  readonly proxyCredentialsDir: string;
  readonly caBundleDir: string;
}

const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }).optional(),
  spec: z.unknown(),
});
type Manifest = z.infer<typeof manifestSchema>;

/** @throws PermanentError `InvalidSource`, naming the field; `CredentialsInvalid` where a Secret is named and its keys are not given. */
export async function readSource(flags: SourceFlags): Promise<Source> {
  const { filename, provider, credentials, caBundle, proxy, proxyCredentials } = flags;
  const spec = filename === undefined ? specOfFlags(flags) : await specOfFile(filename, provider);
  if (spec.secretRef !== undefined && credentials === undefined) {
    throw new PermanentError(
      'CredentialsInvalid',
      `The Provider takes its credentials from the Secret ${spec.secretRef.name}: put its keys as files into a directory and name that with --credentials.`,
    );
  }
  if (spec.proxySecretRef !== undefined && proxyCredentials === undefined) {
    throw new PermanentError(
      'CredentialsInvalid',
      `The Provider takes the proxy's user name and password from the Secret ${spec.proxySecretRef.name}: put its keys as files into a directory and name that with --proxy-credentials.`,
    );
  }
  if (spec.caBundleRef !== undefined && caBundle === undefined) {
    throw invalid(
      `the Provider trusts the certificates in ConfigMap ${spec.caBundleRef.name}: name a file with them with --ca-bundle`,
    );
  }
  return {
    spec: parseSpec({
      ...spec,
      ...(credentials !== undefined && { secretRef: { name: 'credentials' } }),
      ...(caBundle !== undefined && { caBundleRef: { name: 'ca-bundle', key: basename(caBundle) } }),
      ...(proxy !== undefined && { proxy }),
      ...(proxyCredentials !== undefined && { proxySecretRef: { name: 'proxy-credentials' } }),
    }),
    credentialsDir: credentials ?? '',
    proxyCredentialsDir: proxyCredentials ?? '',
    caBundleDir: caBundle === undefined ? '' : dirname(caBundle),
  };
}

function specOfFlags(flags: UrlFlags): ProviderSpec {
  const { url, mirror, extractPath, checksum, format, stripComponents, include, exclude } = flags;
  if (url === undefined) throw invalid('say where the data is: --url URL, or -f FILE with a Provider');
  const fields = { mirrors: mirror, extractPath, checksum, format, stripComponents, include, exclude };
  return parseSpec({
    sourceURL: url,
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
  });
}

async function specOfFile(file: string, name: string | undefined): Promise<ProviderSpec> {
  const providers = (await readManifests(file)).filter(
    ({ apiVersion, kind }) => kind === 'Provider' && apiVersion.startsWith(`${PROVIDER_GROUP}/`),
  );
  const found = name === undefined ? providers : providers.filter(({ metadata }) => metadata?.name === name);
  const [provider] = found;
  const names = providers.map(({ metadata }) => metadata?.name ?? '(without a name)').join(', ');
  if (found.length > 1) throw invalid(`${file} has several Providers (${names}); name one with --provider`);
  if (provider !== undefined) return parseSpec(provider.spec);
  if (name !== undefined && names !== '') throw invalid(`${file} has no Provider ${name}; it has ${names}`);
  throw invalid(`${file} has no Provider (apiVersion ${PROVIDER_GROUP}/v1, kind Provider)`);
}

async function readManifests(file: string): Promise<Manifest[]> {
  const content = await (file === '-' ? text(process.stdin) : readFile(file, 'utf8')).catch((cause: unknown) => {
    throw invalid(`${file} cannot be read: ${wordsOf(cause)}`, cause);
  });
  return parseAllDocuments(content).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw invalid(`${file} is not valid YAML: ${error.message}`, error);
    const manifest = manifestSchema.safeParse(document.toJS());
    return manifest.success ? [manifest.data] : [];
  });
}

/** Stricter than the API server, which drops what it does not know: a field that is misspelled shall not be passed over. */
function parseSpec(spec: unknown): ProviderSpec {
  const parsed = providerSpecSchema.strict().safeParse(spec);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = ['spec', ...(issue?.path ?? [])].join('.');
  throw invalid(`${field}: ${issue?.message}`, parsed.error);
}

function invalid(what: string, cause?: unknown): PermanentError {
  return new PermanentError('InvalidSource', `${what}.`, { cause });
}

/** What to populate from: a URL on the command line, or a Provider in a file as it would be applied to a cluster. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { PROVIDER_GROUP } from '../../api/names.ts';
import { providerSpecSchema, type ProviderSpec } from '../../api/provider.ts';
import { PermanentError } from '../../sdk/index.ts';
import { wordsOf } from '../../words-of.ts';

/** As the flags say it; those of the spec belong to `url` alone. */
export interface SourceFlags {
  readonly url?: string;
  readonly extractPath?: string;
  readonly checksum?: string;
  /** `-` reads standard input. */
  readonly filename?: string;
  /** Name of the Provider, where the file has several. */
  readonly provider?: string;
  /** Directory with the keys of the Secret as files. */
  readonly credentials?: string;
}

const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }).optional(),
  spec: z.unknown(),
});
type Manifest = z.infer<typeof manifestSchema>;

/** @throws PermanentError `InvalidSource`, naming the field; `CredentialsInvalid` where a Secret is named and its keys are not given. */
export async function readSource(flags: SourceFlags): Promise<ProviderSpec> {
  const spec = flags.filename === undefined ? specOfFlags(flags) : await specOfFile(flags.filename, flags.provider);
  if (flags.credentials !== undefined) return { ...spec, secretRef: spec.secretRef ?? { name: 'credentials' } };
  if (spec.secretRef === undefined) return spec;
  throw new PermanentError(
    'CredentialsInvalid',
    `The Provider takes its credentials from the Secret ${spec.secretRef.name}: put its keys as files into a directory and name that with --credentials.`,
  );
}

function specOfFlags({ url, extractPath, checksum }: SourceFlags): ProviderSpec {
  if (url === undefined) throw invalid('say where the data is: --url URL, or -f FILE with a Provider');
  return parseSpec({
    sourceURL: url,
    ...(extractPath !== undefined && { extractPath }),
    ...(checksum !== undefined && { checksum }),
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

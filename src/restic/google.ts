/** Google's credentials: a service account's key, and nothing that names a program, a file or an address. Pure. */
import * as z from 'zod';
import { PermanentError } from '../sdk/errors.ts';
import { visible } from '../visible.ts';

const KEY = 'GOOGLE_APPLICATION_CREDENTIALS';
const TOKEN_URI = 'https://oauth2.googleapis.com/token';
const UNIVERSE = 'googleapis.com';

const serviceAccountSchema = z.object({
  type: z.literal('service_account'),
  project_id: z.string().optional(),
  private_key_id: z.string().optional(),
  private_key: z.string().regex(/^\s*-----BEGIN (RSA )?PRIVATE KEY-----\s/),
  client_email: z.string().regex(/^[^\s@]+@[^\s@]+$/),
  client_id: z.string().optional(),
  universe_domain: z.literal(UNIVERSE).optional(),
});

export interface GoogleCredentials {
  /** For the program: made of the known members alone. */
  readonly json: string;
  readonly secrets: readonly string[];
}

/** @throws PermanentError `CredentialsInvalid` naming the member; no value of a member but `type` is quoted. */
export function googleCredentials(text: string): GoogleCredentials {
  const given = parseObject(text);
  const { type } = given;
  if (type !== 'service_account') {
    const found = typeof type === 'string' ? `is of type "${visible(type).slice(0, 40)}"` : 'has no type';
    throw invalid(`${found}; only the key of a service account (type "service_account") is accepted`);
  }
  const parsed = serviceAccountSchema.safeParse(given);
  if (!parsed.success) {
    const members = [...new Set(parsed.error.issues.map(({ path }) => path.join('.')))].join(', ');
    throw invalid(`has a missing or unusable member: ${members}`);
  }
  const { private_key, private_key_id } = parsed.data;
  const json = JSON.stringify({ ...parsed.data, token_uri: TOKEN_URI, universe_domain: UNIVERSE });
  return { json, secrets: [text, private_key, ...(private_key_id === undefined ? [] : [private_key_id])] };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    // Without the cause: a parser's message quotes the text.
    throw invalid('is not a JSON object');
  }
}

function invalid(what: string): PermanentError {
  return new PermanentError(
    'CredentialsInvalid',
    `The Secret of the repository cannot be used: its key "${KEY}" ${what}.`,
  );
}

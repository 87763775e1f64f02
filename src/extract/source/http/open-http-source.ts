/** Opens a body over http: by one stream, or by several where the server serves parts and one alone is slow. */
import type { ByteSource } from '../source.ts';
import { HttpSource, type HttpSourceOptions, representationOf } from './http-source.ts';
import { ParallelSource, PART_BYTES } from './parallel-source.ts';
import { Width } from './width.ts';

/** What somebody has of the body already. */
export interface Begun {
  /** Of the next byte. */
  readonly position: number;
  readonly length: number;
}

/**
 * @throws VolprimeError `SourceUnreachable`, `SourceBusy`, `SourceTLSFailed` (to be retried); PermanentError `SourceNotFound`,
 * `SourceUnauthorized`, `SourceRefused`, `RedirectRefused`, `CredentialsInvalid`. Reading throws `SourceTruncated`, `SourceStalled` and
 * `SourceChanged` too.
 */
export async function openHttpSource(options: HttpSourceOptions): Promise<ByteSource> {
  const answer = await options.client.get(options.url, {});
  try {
    const began = representationOf(answer);
    const stream = new HttpSource(options, began, { body: answer.body });
    const provable = began.validator !== undefined || options.checksumDeclared;
    const { length } = began;
    if (!began.acceptsRanges || !provable || length === undefined) return stream;
    return new ParallelSource(stream, {
      ...options,
      began: { ...began, length },
      finalUrl: answer.url,
      width: new Width(),
      partBytes: PART_BYTES,
    });
  } catch (error) {
    answer.body.cancel();
    throw error;
  }
}

/** Goes on with what began at another place that is said to hold the same bytes: only where the checksum decides in the end. */
export function continueHttpSource(options: HttpSourceOptions, { position, length }: Begun): ByteSource {
  const began = { length, validator: undefined, encoding: 'identity', acceptsRanges: true };
  return new HttpSource({ ...options, checksumDeclared: true }, began, { position });
}

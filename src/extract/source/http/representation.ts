/**
 * What the head of an answer says about the body behind the URL, and whether a later answer continues the very same body (RFC 9110,
 * sections 8.8, 13 and 14). Pure.
 */
import { field, type Answer } from './answer.ts';

export interface Representation {
  /** Of the whole body; undefined for a chunked answer. */
  readonly length: number | undefined;
  readonly validator: Validator | undefined;
  readonly encoding: string;
  /** The server says that it serves parts. */
  readonly acceptsRanges: boolean;
}

/** What proves that two answers are of the same bytes. Weak ETags do not, and dates only where they are old enough. */
export interface Validator {
  readonly field: 'etag' | 'last-modified';
  readonly value: string;
}

/** The bytes from `first` to `last`, both included, of `total`. */
export interface ContentRange {
  readonly first: number;
  readonly last: number;
  readonly total: number;
}

/** A body that changed within the same second after the answer has the same date: the date must be older than that, and clocks differ. */
const STRONG_DATE_AGE_MS = 60_000;
/** What is already compressed is often sent with its compression as its encoding; the decoder goes by the content, so each is undone once. */
const TAKEN_AS_STORED = new Set(['identity', 'gzip', 'x-gzip', 'zstd']);

/** @returns undefined where the body is encoded in a way that nothing here undoes. */
export function representation(answer: Pick<Answer, 'headers'>): Representation | undefined {
  const encoding = encodingOf(answer);
  if (!TAKEN_AS_STORED.has(encoding)) return undefined;
  return {
    length: contentLength(answer),
    validator: validatorOf(answer),
    encoding,
    acceptsRanges: field(answer, 'accept-ranges')?.toLowerCase() === 'bytes',
  };
}

/** Asks for the bytes from `first` to before `end`, but only if the body is still the one that began. */
export function rangeHeaders(
  { validator }: Representation,
  first: number,
  end: number | undefined,
): Readonly<Record<string, string>> {
  return {
    range: `bytes=${first}-${end === undefined ? '' : end - 1}`,
    ...(validator && { 'if-range': validator.value }),
  };
}

/**
 * Whether the 206 answer goes on from byte `first` of the body that `began` describes.
 * @returns what is wrong with it, or the range that it holds.
 */
export function continuation(
  answer: Pick<Answer, 'headers'>,
  began: Representation,
  first: number,
): ContentRange | { readonly fault: string } {
  const range = parseContentRange(field(answer, 'content-range'));
  if (range === undefined) return { fault: 'without a valid Content-Range' };
  if (range.first !== first) return { fault: `from byte ${range.first} where ${first} was asked for` };
  if (began.length !== undefined && range.total !== began.length) {
    return { fault: `of a body with ${range.total} bytes where it had ${began.length}` };
  }
  const length = contentLength(answer);
  if (length !== undefined && length !== range.last - range.first + 1) {
    return { fault: 'whose Content-Length is not that of its Content-Range' };
  }
  if (encodingOf(answer) !== began.encoding) return { fault: 'with another Content-Encoding' };
  if (!sameValidator(answer, began.validator))
    return { fault: `with another ${began.validator?.field ?? 'validator'}` };
  return range;
}

/** Without a total (`*`) nobody can say where the body ends: such a part is of no use. */
export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(value ?? '');
  if (match === null) return undefined;
  const [first, last, total] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return first <= last && last < total ? { first, last, total } : undefined;
}

/** An ETag must be repeated in a 206 answer; a date may be left out of one that answers If-Range. */
function sameValidator(answer: Pick<Answer, 'headers'>, validator: Validator | undefined): boolean {
  if (validator === undefined) return true;
  const now = field(answer, validator.field);
  return now === validator.value || (now === undefined && validator.field === 'last-modified');
}

function validatorOf(answer: Pick<Answer, 'headers'>): Validator | undefined {
  const etag = field(answer, 'etag');
  if (etag !== undefined) {
    return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) ? { field: 'etag', value: etag } : undefined;
  }
  const modified = field(answer, 'last-modified');
  const age = Date.parse(field(answer, 'date') ?? '') - Date.parse(modified ?? '');
  return modified !== undefined && age >= STRONG_DATE_AGE_MS ? { field: 'last-modified', value: modified } : undefined;
}

function contentLength(answer: Pick<Answer, 'headers'>): number | undefined {
  const value = field(answer, 'content-length');
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function encodingOf(answer: Pick<Answer, 'headers'>): string {
  const value = answer.headers['content-encoding'];
  if (value === undefined || value === '') return 'identity';
  return typeof value === 'string' ? value.trim().toLowerCase() : value.join(', ');
}

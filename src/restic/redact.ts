/** Takes the parts of a Secret out of text: as they are, and as URLs, JSON and Go's quotes write them. Pure. */
import { withoutCredentials } from '../without-credentials.ts';

const GONE = '***';

/** A shorter secret is part of too many words: replaced, it leaves no readable message, and shows by the gaps what it is. */
export const SHORTEST_SECRET = 4;

/** Of a secret of several lines, each line that is no mere delimiter counts by itself. */
const SHORTEST_LINE = 16;

/** @param secrets decoded; those with less than `SHORTEST_SECRET` characters go with the user part of a URL alone. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = new Set(secrets.flatMap(partsOf).flatMap(formsOf));
  const longestFirst = [...forms].sort((a, b) => b.length - a.length).map(literally);
  const pattern = new RegExp(longestFirst.join('|'), 'g');
  return (text) => {
    const plain = forms.size === 0 ? text : text.replace(pattern, GONE);
    return withoutCredentials(plain);
  };
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

function partsOf(secret: string): readonly string[] {
  const whole = secret.trim();
  const lines = whole.split(/\r?\n/).filter((line) => line.length >= SHORTEST_LINE && !line.startsWith('-----'));
  return [secret, whole, ...lines].filter((part) => part.length >= SHORTEST_SECRET);
}

function formsOf(part: string): readonly string[] {
  const quoted = JSON.stringify(part).slice(1, -1);
  const escaped = [encodeURI, encodeURIComponent, ofUserinfo, ofQuery].map((encode) => encode(part.toWellFormed()));
  return [
    part,
    quoted,
    // Go's JSON.
    quoted.replace(/[<>&]/g, (mark) => `\\u00${mark.charCodeAt(0).toString(16)}`),
    ...escaped.flatMap((text) => [text, text.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())]),
    Buffer.from(part).toString('base64'),
  ];
}

/** Go's net/url escapes more than encodeURIComponent, and of the user part less. */
function ofUserinfo(text: string): string {
  return strict(text).replace(/%(24|26|2B|2C|3B|3D)/g, (escape) => decodeURIComponent(escape));
}

function ofQuery(text: string): string {
  return strict(text).replaceAll('%20', '+');
}

function strict(text: string): string {
  return encodeURIComponent(text).replace(/[!*'()]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Text as an attacker writes it into names, answers and messages. */
import fc from 'fast-check';

/** One of each kind that a terminal, a log or a reader may misunderstand. */
const SPECIAL = [
  '\0',
  '\u0007',
  '\b',
  '\n',
  '\r',
  '\t',
  '\u001b[2J',
  '\u001b]0;x\u0007',
  '\u007f',
  '\u0085',
  '\u009b31m',
  '\u009d',
  '\u2028',
  '\u2029',
  '\u202a',
  '\u202b',
  '\u202c',
  '\u202d',
  '\u202e',
  '\u2066',
  '\u2067',
  '\u2068',
  '\u2069',
  '\u200b',
  '\ud83d',
  '\udc00',
];

export const hostileText = fc
  .array(
    fc.oneof(fc.constantFrom(...SPECIAL), fc.string({ unit: 'binary', maxLength: 4 }), fc.constantFrom('a', '"', '\\')),
    {
      maxLength: 12,
    },
  )
  .map((parts) => parts.join(''));

/** One line that shows all that it holds: the complement of what the border must not let through, written out by code points. */
export const SHOWN = new RegExp(
  String.raw`^[^\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]*$`,
  'u',
);

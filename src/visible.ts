/**
 * Text that leaves the process for a terminal, a log, a status or an event, without characters that change how the rest of it is shown.
 *
 * Every border applies one of the two functions. A name in quotes is `printable` of src/tree, which rests on them.
 */

/**
 * Unicode's "other" characters (C0, C1 and DEL; format characters, bidirectional controls among them; lone surrogates; private and unassigned
 * code points) and the two separators that some programs take for the end of a line.
 */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line of text: `\n`, `\r`, `\t`, and `\u{…}` for all others. A second application changes nothing. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (character) => SHORT[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** The beginning of the visible text, at most `limit` code units long; half a character is left out. */
export function cutVisible(text: string, limit: number): string {
  return visible(text)
    .slice(0, limit)
    .replace(/[\ud800-\udbff]$/, '');
}

/** @param json one line of JSON. @returns JSON of the same value, in which such characters are escapes. */
export function visibleJson(json: string): string {
  return json.replace(INVISIBLE, (character) => character.split('').map(escapeUnit).join(''));
}

/** RFC 8259, section 7: a code unit of UTF-16. */
function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

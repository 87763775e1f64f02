/**
 * Text that Volprime read and did not write: messages of pods, plugins, servers and other objects. It may quote the data source, and the data source may
 * belong to another namespace than the claim. So it is no string: the compiler rejects it wherever a string is written, and `unwrap` alone opens it.
 *
 * Called by every room that reads such text or shows it. It must not know who reads: `populate/for-owner.ts` decides that for claims.
 */

/** The same in every copy of this package: a plugin may bring its own. */
const content: unique symbol = Symbol.for('volprime.dev/foreign');
/** What a template literal or JSON shows in place of the text. */
const PLACEHOLDER = '(text of another namespace)';

/** A value from elsewhere, opaque to all but this file. */
export interface Foreign<T> {
  readonly [content]: T;
  readonly toString: () => string;
  readonly toJSON: () => string;
}

/** A message: own words as strings, what was read elsewhere as foreign pieces. A plain string is own words only. */
export type Text = string | readonly (string | Foreign<string>)[];

export function foreign<T>(value: T): Foreign<T> {
  return { [content]: value, toString: placeholder, toJSON: placeholder };
}

/** Whether a plugin's answer, which may be plain JavaScript's, is one. */
export function isText(value: unknown): value is Text {
  const isPiece = (piece: unknown) =>
    typeof piece === 'string' ||
    (typeof piece === 'object' && piece !== null && content in piece && typeof piece[content] === 'string');
  return typeof value === 'string' || (Array.isArray(value) && value.every(isPiece));
}

/** One text after the other. */
export function joined(...texts: readonly Text[]): Text {
  return texts.flatMap((text) => (typeof text === 'string' ? [text] : text));
}

export function hasForeign(text: Text): boolean {
  return typeof text !== 'string' && text.some((piece) => typeof piece !== 'string');
}

/** What everybody may read of it; empty where all of it is foreign. */
export function ownWords(text: Text): string {
  return piecesOf(text)
    .filter((piece) => typeof piece === 'string')
    .join('');
}

/** All of it. Only for readers who may read the data source itself; `foreign.test.ts` lists the callers. */
export function unwrap(text: Text): string {
  return piecesOf(text)
    .map((piece) => (typeof piece === 'string' ? piece : piece[content]))
    .join('');
}

function piecesOf(text: Text): readonly (string | Foreign<string>)[] {
  return typeof text === 'string' ? [text] : text;
}

function placeholder(): string {
  return PLACEHOLDER;
}

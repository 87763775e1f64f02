/** ECMAScript's own way to write a number with all its digits (proposal json-parse-with-source, in Node since 21); the types lack it. */
const { rawJSON } = JSON as JSON & { rawJSON(text: string): object };

/** Nanoseconds since 1970, as a member of a body: beyond 2^53, so it never is a JavaScript number. */
export function nanoseconds(at: Date): object {
  return rawJSON((BigInt(at.getTime()) * 1_000_000n).toString());
}

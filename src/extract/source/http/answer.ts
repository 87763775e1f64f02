/** What a server said to one request: the head, and the body as it comes. */

export interface Answer {
  /** Where it came from, after all redirects. */
  readonly url: URL;
  readonly status: number;
  /** Lower-case names. A field that came more than once is a list. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Body;
}

/** The bytes of one answer. Errors are those of the transport, as they are. */
export interface Body {
  /** As `ByteSource.read`; 0 at the end that the framing tells. */
  read(into: Uint8Array): Promise<number>;
  /** Breaks the connection unless the body is at its end. */
  cancel(): void;
}

/** The field's value; undefined where it is missing, or came twice, so that nobody can say which one holds. */
export function field(answer: Pick<Answer, 'headers'>, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : undefined;
}

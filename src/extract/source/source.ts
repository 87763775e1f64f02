/** One body, from its first byte to its last, however many connections it takes. */
export interface ByteSource extends AsyncDisposable {
  /** Of the whole body, where the server says; known once the source is open. */
  readonly length: number | undefined;
  /**
   * Fills the memory from its beginning, as far as bytes come: at least one byte, all of it where the source can without waiting long.
   * One call at a time.
   * @returns the number of bytes; 0 at the end, and only when the body is complete.
   * @throws VolprimeError that says whether another attempt may do better.
   */
  read(into: Uint8Array): Promise<number>;
}

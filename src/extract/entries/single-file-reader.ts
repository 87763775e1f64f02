/** Content that is no archive: it becomes one file, or fills one device. */
import type { EntryHandler } from './entry.ts';
import type { ByteString } from './tar-header.ts';

const MODE = 0o644;

export class SingleFileReader {
  readonly #handler: EntryHandler;

  constructor(handler: EntryHandler, name: ByteString) {
    this.#handler = handler;
    handler.begin({
      type: 'file',
      name,
      linkName: '',
      // Not known before the end; data is counted as it comes.
      size: 0,
      mode: MODE,
      uid: process.geteuid?.() ?? 0,
      gid: process.getegid?.() ?? 0,
      mtime: Math.floor(Date.now() / 1000),
      attributes: undefined,
      sparse: undefined,
    });
  }

  write(chunk: Buffer): void {
    this.#handler.data(chunk);
  }

  end(): void {
    this.#handler.end();
  }
}

/** Why restic failed, from what it wrote to standard error. */
import { existsSync, readFileSync } from 'node:fs';
import type { Credentials } from './credentials.ts';
import type { Ending } from './failure.ts';
import { parseMessage } from './messages.ts';
import { wordsOfSsh } from './ssh.ts';

const LONGEST = 600;

export class Words {
  readonly #credentials: Credentials;
  /** What it ends with. */
  #exit: string | undefined;
  /** The first of what it could not do. */
  #error: string | undefined;
  #last = '';
  /** Where ssh's words of this run begin: its log is of all runs, some of them at once. */
  readonly #sshLogStart: number;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
    this.#sshLogStart = readLog(credentials.sshLog).length;
  }

  take(line: string): void {
    const message = parseMessage(line);
    if (message?.message_type === 'exit_error') this.#exit = message.message;
    else if (message?.message_type === 'error') {
      const { item, error } = message;
      this.#error ??=
        item === undefined || item === ''
          ? error.message
          : `${JSON.stringify(this.#credentials.redact(item))}: ${error.message}`;
    } else if (message === undefined && line.trim() !== '') this.#last = line;
  }

  of(code: number | undefined): Ending {
    return { code, words: this.words, atFile: this.#error !== undefined };
  }

  /** One line without secrets and without a full stop; '' where it said nothing. */
  get words(): string {
    const ofSsh = wordsOfSsh(readLog(this.#credentials.sshLog).subarray(this.#sshLogStart).toString());
    const parts = [this.#error, ...ofSsh, this.#exit ?? this.#last].filter((part) => part !== undefined && part !== '');
    // Redacted first: a secret with two spaces in it is not found when one is left.
    const redacted = parts.map((part) => this.#credentials.redact(part ?? ''));
    const plain = redacted.map((part) => part.replaceAll('Fatal: ', '').replace(/\s+/g, ' ').trim());
    return [...new Set(plain)].join('; ').slice(0, LONGEST).replace(/\.$/, '');
  }
}

/** ssh makes it once it has something to say. */
function readLog(file: string | undefined): Buffer {
  if (file === undefined || !existsSync(file)) return Buffer.alloc(0);
  return readFileSync(file);
}

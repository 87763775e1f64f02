/** One watch that passes through the fault proxy, line by line, and what can befall it. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export class OpenWatch {
  readonly url: string;
  readonly #socket: Socket;
  readonly #response: ServerResponse;
  #rest = '';
  /** What becomes of the next lines. */
  #mode: 'pass' | 'keep' | 'swallow' | 'cut' = 'pass';
  #kept: string[] = [];
  #delayMs = 0;

  constructor(url: string, socket: Socket, response: ServerResponse) {
    this.url = url;
    this.#socket = socket;
    this.#response = response;
    response.flushHeaders();
  }

  onClose(handler: () => void): void {
    this.#response.once('close', handler);
  }

  /** What the server says. */
  forward(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString('utf8')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#pass(`${line}\n`);
  }

  /** Says something that the server did not say. */
  write(text: string): void {
    if (!this.#response.destroyed) this.#response.write(text);
  }

  event(type: string, object: object): void {
    this.write(`${JSON.stringify({ type, object })}\n`);
  }

  /** The connection breaks, as when the server's process is killed. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** The end that the server announces. */
  end(): void {
    this.#later(() => this.#response.end());
  }

  /** From now on each line, and the end, arrives that much later. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Nothing arrives any more, and no end either: a network that drops packets. */
  stall(): void {
    this.#mode = 'swallow';
  }

  /** Of the next line half arrives, then the connection breaks. */
  cutNextLine(): void {
    this.#mode = 'cut';
  }

  /** Lines are kept until `release`: a slow network. */
  keep(): void {
    this.#mode = 'keep';
  }

  get keptLines(): number {
    return this.#kept.length;
  }

  release(): void {
    this.#mode = 'pass';
    for (const line of this.#kept) this.write(line);
    this.#kept = [];
  }

  #later(then: () => void): void {
    if (this.#delayMs === 0) then();
    else setTimeout(then, this.#delayMs).unref();
  }

  #pass(line: string): void {
    switch (this.#mode) {
      case 'pass':
        return this.#later(() => this.write(line));
      case 'keep':
        this.#kept.push(line);
        return;
      case 'swallow':
        return;
      case 'cut':
        this.#response.write(line.slice(0, line.length / 2), () => this.reset());
        return;
    }
  }
}

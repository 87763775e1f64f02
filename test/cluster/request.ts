/** One small HTTP(S) request to a component of the cluster. Failure to connect is an answer with status 0. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface RequestOptions {
  readonly url: string;
  readonly method?: string;
  readonly token?: string;
  readonly body?: string;
  /** Instead of the host of the URL. */
  readonly socketPath?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export function request(options: RequestOptions): Promise<Answer> {
  const send = options.url.startsWith('https:') ? httpsRequest : httpRequest;
  const headers: Record<string, string> = options.body === undefined ? {} : { 'content-type': 'application/json' };
  if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
  return new Promise((resolve) => {
    const fail = (error: Error) => {
      resolve({ status: 0, body: error.message });
    };
    // The certificates are self-signed by components that this program has just started on this machine.
    const tls = { rejectUnauthorized: false, timeout: 10_000, agent: false };
    const target = options.socketPath === undefined ? {} : { socketPath: options.socketPath };
    const outgoing = send(options.url, { method: options.method ?? 'GET', headers, ...tls, ...target }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('timed out')));
    outgoing.on('error', fail);
    outgoing.end(options.body);
  });
}

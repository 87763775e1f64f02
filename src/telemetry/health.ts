/** The probe and metrics server: /healthz, /readyz and /metrics over plain HTTP, for the kubelet and Prometheus. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

export interface HealthOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly host?: string;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  /** Why not, in words for a person; undefined when all is well. */
  readonly healthy: () => string | undefined;
  readonly ready: () => string | undefined;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function serveHealth(options: HealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      response.writeHead(500).end(error instanceof Error ? error.message : 'unknown failure');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(options: HealthOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url?.split('?')[0];
  switch (path) {
    case '/healthz':
      return probe(response, options.healthy());
    case '/readyz':
      return probe(response, options.ready());
    case '/metrics': {
      const text = await options.metrics.text();
      response.writeHead(200, { 'content-type': options.metrics.contentType }).end(text);
      return;
    }
    default:
      response.writeHead(404).end('not found\n');
  }
}

function probe(response: ServerResponse, problem: string | undefined): void {
  response.writeHead(problem === undefined ? 200 : 503, { 'content-type': 'text/plain' }).end(`${problem ?? 'ok'}\n`);
}

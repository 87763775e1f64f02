/**
 * A stand-in for an outside transfer service. It moves nothing: it keeps a list of transfers and lets time pass.
 *
 *     node service.ts            # HOST (default 0.0.0.0), PORT (default 8085), TRANSFER_MS (default 5000)
 *
 *     PUT    /transfers/ID  {"dataset": "genome", "volumeHandle": "vol-1"}    start; the same ID again changes nothing
 *     GET    /transfers/ID                                                    {"state": "running" | "done" | "failed", …}
 *     DELETE /transfers/ID                                                    stop and forget; forgotten already is fine
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createTransfers, type TransferRequest, type Transfers } from './transfers.ts';

export interface TransferService extends AsyncDisposable {
  readonly url: string;
  readonly transfers: Transfers;
}

export interface TransferServiceOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** How long an ordinary transfer takes. */
  readonly durationMs: number;
}

export async function startTransferService({
  host,
  port,
  durationMs,
}: TransferServiceOptions): Promise<TransferService> {
  const transfers = createTransfers(durationMs);
  const server = createServer((request, response) => {
    handle(transfers, request, response).catch((error: unknown) => reply(response, 400, { error: String(error) }));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    transfers,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function handle(transfers: Transfers, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = /^\/transfers\/([^/]+)$/.exec(request.url ?? '')?.[1];
  if (id === undefined) return reply(response, 404, { error: 'no such path' });
  switch (request.method) {
    case 'PUT':
      transfers.start(id, parseRequest(await text(request)));
      return reply(response, 200, transfers.status(id));
    case 'GET': {
      const status = transfers.status(id);
      return reply(response, status === undefined ? 404 : 200, status ?? { error: 'no such transfer' });
    }
    case 'DELETE':
      transfers.cancel(id);
      return reply(response, 204);
    default:
      return reply(response, 405, { error: 'PUT, GET or DELETE' });
  }
}

function parseRequest(json: string): TransferRequest {
  const { dataset, volumeHandle }: { dataset?: unknown; volumeHandle?: unknown } = JSON.parse(json);
  if (typeof dataset !== 'string' || typeof volumeHandle !== 'string') {
    throw new TypeError('dataset and volumeHandle must be strings');
  }
  return { dataset, volumeHandle };
}

function reply(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

if (import.meta.main) {
  const { HOST = '0.0.0.0', PORT = '8085', TRANSFER_MS = '5000' } = process.env;
  const service = await startTransferService({ host: HOST, port: Number(PORT), durationMs: Number(TRANSFER_MS) });
  console.log(`transfer service at ${service.url}`);
}

/**
 * The outside service of the pod-less sample (samples/plugins/http-transfer), which here really writes: into the volume's directory, which
 * on the embedded cluster lies on this machine. It keeps a log of every call, and of whatever no plugin may ever do.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { listVolumes } from '../../cluster/index.ts';
import type { Cluster } from './cluster.ts';
import { listingOf } from './content.ts';

const requestSchema = z.object({ dataset: z.string(), volumeHandle: z.string() });
type Request = z.infer<typeof requestSchema>;

export interface Call {
  readonly verb: 'start' | 'status' | 'cancel';
  readonly id: string;
  readonly dataset: string | undefined;
}

interface Transfer extends Request {
  asked: number;
}

export interface TransferService extends AsyncDisposable {
  readonly url: string;
  readonly calls: readonly Call[];
  /** Two writers on one volume, or one id with two meanings: must stay empty. */
  readonly violations: readonly string[];
  /** Ids under which work was really begun for this dataset, in order. */
  started(dataset: string): readonly string[];
  /** Transfers that nobody has cancelled. */
  remembered(dataset: string): readonly string[];
  /** Transfers of this dataset go on running until it is released. */
  hold(dataset: string): void;
  release(dataset: string): void;
  /** What a reader of a volume with this dataset prints. */
  listing(dataset: string): string;
}

/** What a raw block volume with this dataset begins with. */
export const blocksOf = (dataset: string): Buffer => Buffer.alloc(256 * 1024, `the dataset ${dataset};`);

const filesOf = (dataset: string) => ({ [`${dataset}.txt`]: Buffer.from(`the dataset ${dataset}\n`) });

export async function startTransferService(cluster: Cluster): Promise<TransferService> {
  const calls: Call[] = [];
  const violations: string[] = [];
  const begun: Call[] = [];
  const transfers = new Map<string, Transfer>();
  const held = new Set<string>();

  const start = async (id: string, wanted: Request): Promise<void> => {
    const known = transfers.get(id);
    if (known !== undefined) {
      if (known.volumeHandle !== wanted.volumeHandle) violations.push(`${id} was started for two volumes`);
      return;
    }
    const writer = [...transfers].find(([, other]) => other.volumeHandle === wanted.volumeHandle);
    if (writer !== undefined) violations.push(`${id} and ${writer[0]} write to volume ${wanted.volumeHandle}`);
    if (begun.some((call) => call.id === id)) violations.push(`${id} was started again after it was cancelled`);
    begun.push({ verb: 'start', id, dataset: wanted.dataset });
    transfers.set(id, { ...wanted, asked: 0 });
    await write(cluster, wanted);
  };

  /** The first answer is always "running", so that progress has something to tell. */
  const status = (transfer: Transfer) => {
    transfer.asked += 1;
    const done = transfer.asked > 1 && !held.has(transfer.dataset);
    return { state: done ? 'done' : 'running', bytesDone: done ? 1000 : 500, bytesTotal: 1000 };
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const id = /^\/transfers\/([^/]+)$/.exec(request.url ?? '')?.[1] ?? '';
    const transfer = transfers.get(id);
    switch (request.method) {
      case 'PUT': {
        const wanted = requestSchema.parse(JSON.parse(await text(request)));
        calls.push({ verb: 'start', id, dataset: wanted.dataset });
        await start(id, wanted);
        return reply(response, 200, {});
      }
      case 'GET':
        calls.push({ verb: 'status', id, dataset: transfer?.dataset });
        return transfer === undefined ? reply(response, 404, {}) : reply(response, 200, status(transfer));
      default:
        calls.push({ verb: 'cancel', id, dataset: transfer?.dataset });
        transfers.delete(id);
        return reply(response, 204);
    }
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => reply(response, 500, { error: String(error) }));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, cluster.hostAddress, resolve));
  return {
    url: `http://${cluster.hostAddress}:${(server.address() as AddressInfo).port}`,
    calls,
    violations,
    started: (dataset) => begun.filter((call) => call.dataset === dataset).map((call) => call.id),
    remembered: (dataset) => [...transfers].flatMap(([id, transfer]) => (transfer.dataset === dataset ? [id] : [])),
    hold: (dataset) => void held.add(dataset),
    release: (dataset) => void held.delete(dataset),
    listing: (dataset) => listingOf(filesOf(dataset)),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function write({ embedded }: Cluster, { dataset, volumeHandle }: Request): Promise<void> {
  if (embedded === undefined) return;
  const volume = (await listVolumes(embedded)).find(({ id }) => id === volumeHandle);
  if (volume === undefined) throw new Error(`the storage has no volume ${volumeHandle}`);
  if (volume.block) return writeBlocks(volume.dataPath, blocksOf(dataset));
  for (const [path, data] of Object.entries(filesOf(dataset))) {
    mkdirSync(volume.dataPath, { recursive: true });
    writeFileSync(join(volume.dataPath, path), data, { mode: 0o644 });
  }
}

function writeBlocks(image: string, data: Buffer): void {
  const file = openSync(image, 'r+');
  writeSync(file, data, 0, data.length, 0);
  fsyncSync(file);
  closeSync(file);
}

function reply(response: ServerResponse, status: number, body?: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

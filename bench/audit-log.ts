/** What the API server saw: its audit log, which the embedded cluster writes at level Metadata. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const entrySchema = z.object({
  verb: z.string(),
  userAgent: z.string().default(''),
  objectRef: z
    .object({
      resource: z.string(),
      subresource: z.string().default(''),
      namespace: z.string().default(''),
      name: z.string().default(''),
    })
    .optional(),
  responseStatus: z.object({ code: z.number() }).optional(),
  requestReceivedTimestamp: z.string(),
  stageTimestamp: z.string(),
});

export interface Request {
  /** Epoch milliseconds, with the fraction that the log gives. */
  readonly receivedAt: number;
  readonly answeredAt: number;
  readonly verb: string;
  /** The program: `volprime-controller`, `kube-controller-manager`, … */
  readonly agent: string;
  /** `persistentvolumeclaims`, `pods/binding`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly code: number;
}

export const writeVerbs: readonly string[] = ['create', 'update', 'patch', 'delete', 'deletecollection'];

export class AuditLog {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Requests received since then (epoch milliseconds), rotated files included, in the order of their arrival. */
  async since(startedAt: number): Promise<readonly Request[]> {
    const files = (await readdir(this.#directory)).filter((name) => /^audit.*\.log$/.test(name));
    const found: Request[] = [];
    for (const file of files.map((name) => join(this.#directory, name))) {
      if ((await stat(file)).mtimeMs < startedAt) continue;
      for (const line of (await readFile(file, 'utf8')).split('\n')) {
        const request = line === '' ? undefined : parse(line);
        if (request !== undefined && request.receivedAt >= startedAt) found.push(request);
      }
    }
    return found.sort((a, b) => a.receivedAt - b.receivedAt);
  }
}

/** Undefined for what concerns no object, and for a last line that is still being written. */
function parse(line: string): Request | undefined {
  if (!line.endsWith('}')) return undefined;
  const { objectRef, ...entry } = entrySchema.parse(JSON.parse(line));
  if (objectRef === undefined) return undefined;
  return {
    receivedAt: epoch(entry.requestReceivedTimestamp),
    answeredAt: epoch(entry.stageTimestamp),
    verb: entry.verb,
    agent: entry.userAgent.split('/')[0] ?? '',
    resource: objectRef.subresource === '' ? objectRef.resource : `${objectRef.resource}/${objectRef.subresource}`,
    namespace: objectRef.namespace,
    name: objectRef.name,
    code: entry.responseStatus?.code ?? 0,
  };
}

/** Microseconds, which Date.parse drops. */
function epoch(timestamp: string): number {
  const micros = /\.\d{3}(\d{1,3})/.exec(timestamp)?.[1]?.padEnd(3, '0') ?? '0';
  return Date.parse(timestamp) + Number(micros) / 1000;
}

export interface RequestCount {
  readonly writes: number;
  readonly events: number;
  readonly reads: number;
}

/** The controller's requests, apart from its lease and from filling and following its caches. */
export function countRequests(requests: readonly Request[], agent: string): RequestCount {
  const own = requests.filter((request) => request.agent === agent && request.resource !== 'leases');
  const writes = own.filter(({ verb }) => writeVerbs.includes(verb));
  const events = writes.filter(({ resource }) => resource === 'events').length;
  return { writes: writes.length - events, events, reads: own.filter(({ verb }) => verb === 'get').length };
}

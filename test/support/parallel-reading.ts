/** One body read by several connections from an archive server, as the tests of parallel sources ask for it. */
import { randomBytes } from 'node:crypto';
import { HttpClient } from '../../src/extract/source/http/client.ts';
import { HttpSource, representationOf } from '../../src/extract/source/http/http-source.ts';
import { type ParallelOptions, ParallelSource } from '../../src/extract/source/http/parallel-source.ts';
import type { ArchiveServer, Route } from './archive-server.ts';
import { silent } from './silent-logger.ts';

/** What is served where a route names no other body: a million bytes. */
export const body = randomBytes(1_000_000);
export const partBytes = 50_000;
export const headers = { etag: '"v1"' };

/** Four connections from the first read on, until that is given up. */
function fourWide(): ParallelOptions['width'] {
  let connections = 4;
  return {
    get connections() {
      return connections;
    },
    observe() {},
    giveUp: () => void (connections = 1),
  };
}

export interface Reading {
  /** Each is served under a path of its own, so that what the server counts begins anew. */
  readonly path?: string;
  readonly idleMs?: number;
  readonly pause?: () => Promise<void>;
  readonly width?: ParallelOptions['width'];
  readonly step?: number;
}

/**
 * @returns what was read to the end.
 * @throws what the source throws.
 */
export async function readInParts(server: ArchiveServer, route: Route, reading: Reading = {}) {
  const { path = '/a', pause, width = fourWide(), step = 7001, idleMs = 500 } = reading;
  server.set(path, { body, headers, ranges: true, ...route });
  const signal = AbortSignal.timeout(10_000);
  const timeouts = { connectMs: 2000, headersMs: 500, idleMs };
  await using client = new HttpClient({
    credentials: undefined,
    trusted: undefined,
    proxy: undefined,
    timeouts,
    logger: silent,
    signal,
  });
  const retryPolicy = { toOpen: 1, toGoOn: 3, baseMs: 1, capMs: 5 };
  const url = new URL(`${server.url}${path}`);
  const options = { client, url, checksumDeclared: false, retryPolicy, logger: silent, signal };
  const answer = await client.get(url, {});
  const began = { ...representationOf(answer), length: route.body?.length ?? body.length };
  await using source = new ParallelSource(new HttpSource(options, began, { body: answer.body }), {
    ...options,
    began,
    finalUrl: url,
    width,
    partBytes,
  });
  const pieces: Buffer[] = [];
  for (;;) {
    const into = Buffer.alloc(step);
    const count = await source.read(into);
    if (count === 0) return { received: Buffer.concat(pieces), connections: width.connections };
    pieces.push(into.subarray(0, count));
    await pause?.();
  }
}

/** Sources of the tests: archives on the suite's server, and transfers of the suite's service. Path, dataset and source share one name. */
import type { NewObject } from '../../../src/api/objects.ts';
import type { Gate, Route } from '../../support/archive-server.ts';
import { type Content, contentOf } from './content.ts';
import type { CrashCase } from './crash-points.ts';
import { aProvider, aTransfer, type ClaimOptions, providerRef, transferRef } from './manifests.ts';
import type { Suite } from './suite.ts';

export interface SourceAndRef {
  readonly source: NewObject;
  readonly ref: ClaimOptions['source'];
}

/** Serves an archive under this name. */
export function serve({ archives }: Suite, name: string, route: Route = {}): Content {
  const content = contentOf(name);
  archives.set(`/${name}`, { body: content.archive, ...route });
  return content;
}

/** Serves an archive so that its populator pod comes to this crash point: slowly where its progress is to be read, badly where it is to fail. */
export function serveFor(suite: Suite, { name, point }: CrashCase): Content {
  const bytesPerSecond = point.endsWith('ReadProgress') ? 5 * 1024 : 128 * 1024;
  return serve(suite, name, { bytesPerSecond, ...(fails(point) && broken(name, 1)) });
}

/** So many downloads bring the beginning of the archive as if it were all of it: each ends its attempt. */
export function broken(name: string, downloads: number): Route {
  const { archive } = contentOf(name);
  return { inTurn: Array.from({ length: downloads }, () => ({ body: archive.subarray(0, 1024) })) };
}

/** Whether the first download of this case fails. */
export function fails(point: string): boolean {
  return point.endsWith('RecordFailure');
}

/** Serves an archive of which only the beginning comes until the gate is opened. */
export function hold(suite: Suite, name: string): Content & { readonly gate: Gate } {
  const gate = suite.archives.gate();
  return { ...serve(suite, name, { gate, gateAfter: 1024 }), gate };
}

export function downloads({ archives }: Suite, name: string): number {
  return archives.requests.filter(({ path }) => path === `/${name}`).length;
}

export function providerOf({ archives }: Suite, namespace: string, name: string, checksum?: string): SourceAndRef {
  const spec = { sourceURL: `${archives.url}/${name}`, ...(checksum !== undefined && { checksum }) };
  return { source: aProvider(namespace, name, spec), ref: providerRef(name) };
}

export function transferOf(namespace: string, name: string): SourceAndRef {
  return { source: aTransfer(namespace, name, name), ref: transferRef(name) };
}

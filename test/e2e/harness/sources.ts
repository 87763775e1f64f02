/** Sources of the tests: archives on the suite's server, and transfers of the suite's service. Path, dataset and source share one name. */
import type { NewObject } from '../../../src/api/objects.ts';
import type { Gate, Route } from '../../support/archive-server.ts';
import { type Content, contentOf } from './content.ts';
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

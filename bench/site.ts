/** Where is measured: a connection of the benchmark's own, its watches, and the few objects that all measurements share. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { parseAllDocuments } from 'yaml';
import type { Claim, NewObject, Pod, Volume } from '../src/api/objects.ts';
import { type Population, populations } from '../src/api/population.ts';
import { providers } from '../src/api/provider.ts';
import { claims, pods, type Resource, volumes } from '../src/api/resources.ts';
import { type Informer, InformerRegistry } from '../src/informer/index.ts';
import { type Connection, connect, keyOf, type WriteOutcome } from '../src/kube/index.ts';
import { createLogger, createMetrics } from '../src/telemetry/index.ts';
import { failingSource, instantSource, NAMESPACE } from './objects.ts';
import { nothingLeft } from './observer.ts';

export interface Site extends AsyncDisposable {
  readonly client: Connection;
  readonly namespaces: readonly string[];
  readonly claims: Informer<Claim>;
  readonly volumes: Informer<Volume>;
  readonly pods: Informer<Pod>;
  readonly populations: Informer<Population>;
}

/** As many requests at a time as the controller has workers. */
export const CONCURRENCY = 32;

const core = { group: '', version: 'v1' } as const;
const namespaceResource: Resource = { ...core, kind: 'Namespace', plural: 'namespaces', namespaced: false };
const serviceAccounts: Resource = { ...core, kind: 'ServiceAccount', plural: 'serviceaccounts', namespaced: true };
const definitions: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};
const instants: Resource = {
  group: 'bench.volprime.dev',
  version: 'v1',
  kind: 'Instant',
  plural: 'instants',
  namespaced: true,
};

const projectDir = join(import.meta.dirname, '..');
const crdFiles = [
  'crds/volprime.dev_populations.yaml',
  'crds/volprime.dev_snapshotrestores.yaml',
  'crds/provider.example.com_providers.yaml',
  'bench/plugins/crd.yaml',
];
const owner = { fieldManager: 'volprime-bench', force: true } as const;

export async function openSite(kubeconfig: string, namespaces: readonly string[] = [NAMESPACE]): Promise<Site> {
  const metrics = createMetrics();
  const logger = createLogger({ level: 'warn', format: 'text', stream: process.stderr });
  const client = connect({ kubeconfig, userAgent: 'volprime-bench', metrics, logger });
  await prepareKinds(client);
  for (const namespace of namespaces) await prepareNamespace(client, namespace);
  const stop = new AbortController();
  const registry = new InformerRegistry({ client, namespaces, logger, metrics });
  const informers = {
    claims: registry.informer(claims),
    volumes: registry.informer(volumes),
    pods: registry.informer(pods),
    populations: registry.informer(populations),
  };
  const following = registry.start(stop.signal);
  await registry.waitForSync(stop.signal);
  return {
    client,
    namespaces,
    ...informers,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await following;
      await client.close();
    },
  };
}

async function prepareKinds(client: Connection): Promise<void> {
  for (const file of crdFiles) {
    const text = await readFile(join(projectDir, file), 'utf8');
    for (const document of parseAllDocuments(text)) {
      const definition: NewObject = document.toJS();
      const { name = '' } = definition.metadata;
      written(await client.apply(definitions, { name }, definition, owner), name);
    }
  }
  await poll('the kinds to be served', () => client.hasResource(instants));
}

async function prepareNamespace(client: Connection, namespace: string): Promise<void> {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  written(await client.apply(namespaceResource, { name: namespace }, object, owner), namespace);
  await poll('the default service account', () => client.get(serviceAccounts, { namespace, name: 'default' }));
  for (const { name } of [instantSource, failingSource]) {
    const instant = { apiVersion: 'bench.volprime.dev/v1', kind: 'Instant', metadata: { name, namespace } };
    written(await client.apply(instants, { namespace, name }, instant, owner), 'Instant');
  }
}

/** The source of the populator pods. */
export async function provide(site: Site, name: string, sourceURL: string): Promise<void> {
  const provider = {
    apiVersion: 'provider.example.com/v1',
    kind: 'Provider',
    metadata: { name, namespace: NAMESPACE },
    spec: { sourceURL, extractPath: '/' },
  };
  written(await site.client.apply(providers, { namespace: NAMESPACE, name }, provider, owner), `Provider ${name}`);
}

/** Creates them all, CONCURRENCY at a time. */
export async function createAll(site: Site, resource: Resource, objects: readonly NewObject[]): Promise<void> {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  await queue.addAll(
    objects.map((object) => async () => written(await site.client.create(resource, object), `${object.metadata.name}`)),
  );
}

/** Removes what a measurement left, volumes included, and waits until it is gone. */
export async function sweep(site: Site): Promise<void> {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  for (const [resource, informer] of [
    [pods, site.pods],
    [claims, site.claims],
  ] as const) {
    const remove = async (object: Pod | Claim) => {
      await site.client.delete<Pod | Claim>(resource, keyOf(object), {
        uid: object.metadata.uid,
        gracePeriodSeconds: 0,
      });
    };
    await queue.addAll(informer.store.list().map((object) => () => remove(object)));
  }
  const informers = [site.pods, site.claims, site.volumes, site.populations];
  await nothingLeft('removing what the measurement made', informers, () => {
    const mine = site.volumes.store
      .list()
      .filter(({ spec }) => site.namespaces.includes(spec.claimRef?.namespace ?? ''));
    const left = [...site.pods.store.list(), ...site.claims.store.list(), ...mine, ...site.populations.store.list()];
    return left[0] === undefined
      ? undefined
      : `${left.length} objects left, such as ${left[0].kind} ${left[0].metadata.name}`;
  });
}

export function written<T>(outcome: WriteOutcome<T>, what: string): T {
  if (outcome.type === 'done') return outcome.object;
  throw new Error(`${what}: ${outcome.type}${'message' in outcome ? `: ${outcome.message}` : ''}`);
}

export async function poll(what: string, check: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`waiting for ${what}: not within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

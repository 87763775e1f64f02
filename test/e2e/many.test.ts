/** Many claims, and others beside them: docs/hazards.md, cases 20, 55, 66 and 67. */
import { describe, expect } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Claim, NewObject, Volume } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { claims, volumes } from '../../src/api/resources.ts';
import { Informer } from '../../src/informer/index.ts';
import { createLogger, createMetrics } from '../../src/telemetry/index.ts';
import { projectDir } from './harness/cluster.ts';
import { lanePopulated } from './harness/crash-lanes.ts';
import { sampleImage } from './harness/deployment.ts';
import { expectNothingLeft, isFullyBound, listAll } from './harness/invariants.ts';
import { aClaimManifest, aPlainClaim, aStatefulSet } from './harness/manifests.ts';
import { downloads, providerOf, serve, transferOf } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;
/** make e2e-full runs the whole number of case 66. */
const MANY = Number(process.env['VOLPRIME_E2E_MANY'] ?? 60);
const CONCURRENCY = 8;

let suite: Suite;
useSuite((opened) => {
  suite = opened;
});

describe('many claims', () => {
  testTogether(
    [
      {
        name: 'cases 20 and 66: of one source are all filled, in a fair order and some at a time; none of their volumes is free for a hungry claim, ever',
        play: playMany,
      },
      {
        name: 'case 67: of a StatefulSet that goes up, down and up again are filled once each',
        play: playStatefulSet,
      },
      {
        name: 'case 55: that two installations both serve are filled once each, and a kind is left to the one that has its plugin',
        play: playInstallations,
      },
    ],
    ({ play }) => play(),
    TEST_MS,
  );
});

async function playMany(): Promise<void> {
  const { cluster, transfers } = suite;
  const [namespace, elsewhere] = await Promise.all([suite.namespace('many'), suite.namespace('hungry')]);
  const env = { VOLPRIME_CONCURRENCY: String(CONCURRENCY) };
  const controller = suite.controller({ name: namespace, namespaces: [namespace], env });
  await suite.apply(hungryClaim(elsewhere));
  await using audit = await auditVolumes();
  controller.start();
  const names = Array.from({ length: MANY }, (_, index) => `${namespace}-${String(index).padStart(3, '0')}`);
  const { source, ref } = transferOf(namespace, namespace);
  await suite.apply(source);
  for (const name of names) {
    const made = await cluster.client.create(
      claims,
      aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref }),
    );
    if (made.type !== 'done') throw new Error(`${name} could not be made: ${JSON.stringify(made)}`);
  }
  let most = 0;
  const bound: string[] = [];
  await until(
    'all to be bound',
    async () => {
      controller.check();
      most = Math.max(
        most,
        (await controller.metrics()).get('controller_runtime_active_workers{controller="populate"}') ?? 0,
      );
      const all = await listAll(cluster, claims, namespace);
      for (const { metadata } of all.filter((claim) => names.includes(claim.metadata.name) && isFullyBound(claim)))
        if (!bound.includes(metadata.name)) bound.push(metadata.name);
      return bound.length;
    },
    (count) => count === MANY,
    { limitMs: 4 * 60_000 },
  );
  await expectNothingLeft(cluster, namespace, () => controller.check());

  expect(most).toBeLessThanOrEqual(CONCURRENCY);
  // Who came in the first half is served, on the whole, before who came in the second.
  const half = (first: boolean) =>
    bound.flatMap((name, rank) => (names.indexOf(name) < MANY / 2 === first ? [rank] : []));
  expect(mean(half(true))).toBeLessThan(mean(half(false)));
  expect(transfers.started(namespace)).toHaveLength(MANY);
  expect(transfers.remembered(namespace)).toEqual([]);
  expect(transfers.violations).toEqual([]);
  const gauges = ['volume_populator_operations_in_flight', 'volprime_oldest_unfinished_claim_seconds'];
  const metrics = await controller.metrics();
  expect(gauges.map((gauge) => metrics.get(gauge))).toEqual([0, 0]);
  const [hungry] = await listAll(cluster, claims, elsewhere);
  expect([hungry?.status?.phase, hungry?.spec.volumeName]).toEqual(['Pending', undefined]);
  expect(audit.seen(namespace)).toBeGreaterThanOrEqual(MANY * 2);
  expect(audit.free).toEqual([]);
}

/** Its selector keeps the provisioner from making it a volume, and matches every volume that is free. */
function hungryClaim(namespace: string): NewObject {
  const claim = aPlainClaim(namespace, 'hungry', 'imm-del', '1Mi');
  const selector = { matchExpressions: [{ key: 'example.com/none', operator: 'DoesNotExist' }] };
  return { ...claim, spec: { ...(claim['spec'] as object), selector } };
}

/** Every state of every volume that is told while it lasts. */
async function auditVolumes() {
  const free: string[] = [];
  const changes = new Map<string, number>();
  const informer = new Informer<Volume>({
    client: suite.cluster.client,
    resource: volumes,
    logger: createLogger({ level: 'error', format: 'text', stream: process.stderr }),
    metrics: createMetrics(),
  });
  informer.onChange(({ new: volume }) => {
    if (volume === undefined) return;
    const { claimRef } = volume.spec;
    const namespace = claimRef?.namespace ?? '';
    changes.set(namespace, (changes.get(namespace) ?? 0) + 1);
    if (volume.spec.storageClassName !== 'imm-del') return;
    if (claimRef?.uid === undefined || volume.status?.phase === 'Available')
      free.push(`${volume.metadata.name} ${volume.status?.phase} ${JSON.stringify(claimRef)}`);
  });
  const stop = new AbortController();
  const running = informer.start(stop.signal);
  await informer.waitForSync(stop.signal);
  return {
    free,
    seen: (namespace: string) => changes.get(namespace) ?? 0,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  };
}

async function playStatefulSet(): Promise<void> {
  const { cluster } = suite;
  const { kubectl, toolboxImage } = cluster;
  const { namespace, controller } = await suite.lane('stateful');
  const { listing } = serve(suite, namespace);
  const { source, ref } = providerOf(suite, namespace, namespace);
  await suite.apply(
    source,
    aStatefulSet({ name: 'set', namespace, image: toolboxImage, storageClass: 'wffc-del', source: ref }),
  );
  const scale = async (replicas: number) => {
    await kubectl(['scale', 'statefulset/set', `--replicas=${replicas}`, `--namespace=${namespace}`]);
    await until(
      `the StatefulSet to have ${replicas} pods`,
      async () => {
        controller.check();
        const args = ['get', 'statefulset', 'set', '--output=jsonpath={.status.replicas} {.status.readyReplicas}'];
        return kubectl([...args, `--namespace=${namespace}`]);
      },
      (seen) => (replicas === 0 ? seen.startsWith('0') : seen === `${replicas} ${replicas}`),
    );
  };
  await scale(5);
  const read = await lanePopulated(suite, { namespace, controller });
  expect(Object.values(read)).toEqual(Array.from({ length: 5 }, () => listing));
  const uids = await claimUids(namespace);
  await scale(0);
  await scale(5);
  expect(await claimUids(namespace)).toEqual(uids);
  const records = await listAll(cluster, populations, namespace);
  expect(records.map(({ spec }) => spec.claim.uid).sort()).toEqual(uids);
  expect(downloads(suite, namespace)).toBe(5);
  await scale(0);
  await expectNothingLeft(cluster, namespace, () => controller.check());
}

async function claimUids(namespace: string): Promise<string[]> {
  return (await listAll(suite.cluster, claims, namespace)).map(({ metadata }: Claim) => metadata.uid).sort();
}

/** Both have the plugin of Provider and a lease of their own; of the other two kinds each has one. */
async function playInstallations(): Promise<void> {
  const { cluster, transfers } = suite;
  const namespace = await suite.namespace('installs');
  const first = suite.controller({ name: `${namespace}-first`, namespaces: [namespace] });
  const plugins = join(suite.directory, 'text-file');
  mkdirSync(plugins, { recursive: true });
  const definition = readFileSync(join(projectDir, 'samples/plugins/image-only/plugin.yaml'), 'utf8');
  writeFileSync(join(plugins, 'plugin.yaml'), definition.replaceAll(sampleImage, cluster.toolboxImage));
  // The caches of one kind may be behind those of another: what the second sees of the first's work must not look like a remnant.
  const proxy = await suite.proxy();
  proxy.faults.on(
    { kind: 'watch', url: /populations/ },
    { type: 'late', ms: 3_000 },
    { times: Number.POSITIVE_INFINITY },
  );
  const second = suite.controller({
    name: `${namespace}-second`,
    proxy,
    namespaces: [namespace],
    onlyPlugins: [join(plugins, 'plugin.yaml')],
  });
  for (const controller of [first, second]) controller.start();
  for (const controller of [first, second]) await controller.logged('became leader');
  const shared = ['one', 'two', 'three', 'four'].map((name) => `${namespace}-${name}`);
  const listings = new Map(shared.map((name) => [name, serve(suite, name).listing] as const));
  const ofFirst = `${namespace}-transfer`;
  listings.set(ofFirst, transfers.listing(ofFirst));
  const textFile = { apiGroup: 'text.example.com', kind: 'TextFile', name: 'text' };
  const claimOf = (name: string, source: Parameters<typeof aClaimManifest>[0]['source']) =>
    aClaimManifest({ name, namespace, storageClass: 'imm-del', source });
  await suite.apply(
    ...shared.flatMap((name) => {
      const { source, ref } = providerOf(suite, namespace, name);
      return [source, claimOf(name, ref)];
    }),
    transferOf(namespace, ofFirst).source,
    claimOf(ofFirst, transferOf(namespace, ofFirst).ref),
    {
      apiVersion: 'text.example.com/v1',
      kind: 'TextFile',
      metadata: { name: 'text', namespace },
      spec: { fileName: 'file', content: 'text\n' },
    },
    claimOf('text', textFile),
  );
  const { text, ...read } = await lanePopulated(suite, { namespace, controller: first });
  second.check();
  expect(read).toEqual(Object.fromEntries(listings));
  expect(text).toMatch(/^[0-9a-f]{64} {2}\.\/file$/);
  expect(shared.map((name) => downloads(suite, name))).toEqual(shared.map(() => 1));
  expect(transfers.started(ofFirst)).toHaveLength(1);
  const warnings = await cluster.kubectl([
    'get',
    'events.events.k8s.io',
    '--output=jsonpath={range .items[?(@.type=="Warning")]}{.reportingController} {.reason}{"\\n"}{end}',
    `--namespace=${namespace}`,
  ]);
  expect(warnings.split('\n').filter((line) => line.startsWith('volprime'))).toEqual([]);
  expect(
    [first, second].flatMap((controller) =>
      controller
        .log()
        .split('\n')
        .filter((line) => line.includes('"level":"error"')),
    ),
  ).toEqual([]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

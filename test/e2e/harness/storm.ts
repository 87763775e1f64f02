/**
 * A storm: claims of four classes and both paths, two controllers with one lease that are killed again and again, claims and sources that are
 * deleted, and an API server that misbehaves: cases 1, 2, 55, 57 and 58 of docs/hazards.md at once.
 */
import { expect } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { ANNOTATION_POPULATED_FROM } from '../../../src/api/names.ts';
import type { KubeObject, Volume } from '../../../src/api/objects.ts';
import { claims, pods, volumes } from '../../../src/api/resources.ts';
import { nodeMounts } from '../../cluster/index.ts';
import type { SeenRequest } from '../../support/fault-rules.ts';
import type { ApiProxy } from './api-proxy.ts';
import type { ControllerProcess } from './controller-process.ts';
import { lanePopulated } from './crash-lanes.ts';
import { expectNothingLeft, listAll } from './invariants.ts';
import { aClaimManifest, aConsumer } from './manifests.ts';
import { downloads, providerOf, serve, type SourceAndRef, transferOf } from './sources.ts';
import { planStorm, randomOf, type StormClaim, type StormPlan, type StormSize, type StormStep } from './storm-plan.ts';
import type { Suite } from './suite.ts';
import { until } from './until.ts';

interface Sea {
  readonly suite: Suite;
  readonly namespace: string;
  readonly replicas: readonly ControllerProcess[];
}

/** `VOLPRIME_E2E_SEED`, or what is usual: by itself chance. */
export function stormSeed(usual = Math.floor(Math.random() * 2 ** 31)): number {
  const given = process.env['VOLPRIME_E2E_SEED'];
  const seed = given === undefined || given === '' ? usual : Number(given);
  process.stderr.write(`storm: again with VOLPRIME_E2E_SEED=${seed}\n`);
  return seed;
}

export async function playStorm(suite: Suite, seed: number, size: StormSize): Promise<void> {
  const plan = planStorm(seed, size);
  const namespace = await suite.namespace('storm');
  const proxies = [await suite.proxy(), await suite.proxy()];
  const replicas = proxies.map((proxy, index) =>
    suite.controller({ name: `${namespace}-${index}`, leaseName: namespace, namespaces: [namespace], proxy }),
  );
  const sea = { suite, namespace, replicas };
  const seen = await followVolumes(sea);
  for (const claim of plan.claims) if (claim.path === 'pod') serve(suite, claim.name, { bytesPerSecond: 16 * 1024 });
  proxies.forEach((proxy, index) => misbehave(proxy, seed + index + 1));
  for (const replica of replicas) replica.start();
  const deletedSources = new Set<string>();
  for (const step of plan.steps) {
    await playStep(sea, step, plan.claims);
    for (const name of step.deleteSources) deletedSources.add(name);
  }
  tellStorm(plan, proxies);
  for (const proxy of proxies) proxy.faults.reset();
  const back = plan.survivors.filter(({ name }) => deletedSources.has(name));
  if (back.length > 0) await suite.apply(...back.map((claim) => sourceOf(sea, claim).source));

  await loseHandedOver(sea, plan);
  await expectSurvivors(sea, plan.survivors, plan.claims);
  await expectNothingLeft(suite.cluster, namespace, () => check(sea));
  await expectNoMounts(sea, seen);
  seen.stop();
}

/** How much of a storm it was: kills that met nobody and faults that hit nothing would prove nothing. */
function tellStorm({ claims: all, steps, survivors }: StormPlan, proxies: readonly ApiProxy[]): void {
  const kills = steps.filter(({ kill }) => kill !== undefined).length;
  const sources = steps.flatMap(({ deleteSources }) => deleteSources).length;
  const seen = proxies.reduce((sum, { faults }) => sum + faults.requests.length, 0);
  const spoilt = proxies.reduce((sum, { faults }) => sum + faults.spoilt, 0);
  process.stderr.write(
    `storm: ${all.length} claims, ${kills} kills, ${all.length - survivors.length} claims and ${sources} sources deleted, ${spoilt} of ${seen} requests spoilt\n`,
  );
  expect(spoilt).toBeGreaterThan(kills);
}

/** One request in some is refused, delayed or loses its answer. Leases are left alone: killing is what ends a term here. */
function misbehave({ faults }: ApiProxy, seed: number): void {
  const random = randomOf(seed);
  const times = Number.POSITIVE_INFINITY;
  const work = ({ url }: SeenRequest) => !/\/(leases|events)(\/|\?|$)/.test(url);
  const write = (share: number) => (request: SeenRequest) =>
    request.method !== 'GET' && work(request) && random() < share;
  const watch = (share: number) => (request: SeenRequest) => request.kind === 'watch' && random() < share;
  faults.on({ is: write(0.05) }, { type: 'answer', status: 409, reason: 'Conflict' }, { times });
  faults.on({ is: write(0.03) }, { type: 'answer', status: 500, reason: 'InternalError' }, { times });
  faults.on(
    { is: write(0.02) },
    { type: 'answer', status: 429, reason: 'TooManyRequests', headers: { 'retry-after': '1' } },
    { times },
  );
  faults.on({ is: write(0.03) }, { type: 'reset', when: 'after' }, { times });
  faults.on({ is: watch(0.2) }, { type: 'answer', status: 410, reason: 'Expired' }, { times });
  faults.on({ is: watch(0.3) }, { type: 'late', ms: 3000 }, { times });
}

async function playStep(sea: Sea, step: StormStep, all: readonly StormClaim[]): Promise<void> {
  const { suite, namespace, replicas } = sea;
  const { client } = suite.cluster;
  if (step.apply.length > 0) await suite.apply(...step.apply.flatMap((claim) => objectsOf(sea, claim)));
  await delay(step.waitMs);
  const victim = step.kill === undefined ? undefined : replicas[step.kill];
  await victim?.kill();
  for (const name of step.deleteClaims) await deleteIfThere(sea, name);
  for (const name of step.deleteSources) {
    const path = all.find((claim) => claim.name === name)?.path;
    const kind = path === 'pod' ? 'provider.provider.example.com' : 'transfer.transfer.example.com';
    await suite.cluster.kubectl(['delete', kind, name, `--namespace=${namespace}`, '--ignore-not-found']);
  }
  for (const name of step.deleteClaims) {
    const consumer = { namespace, name: `consumer-${name}` };
    const pod = await client.get(pods, consumer);
    if (pod !== undefined) await client.delete(pods, consumer, { uid: pod.metadata.uid, gracePeriodSeconds: 0 });
  }
  victim?.start();
}

async function deleteIfThere({ suite, namespace }: Sea, name: string): Promise<void> {
  const { client } = suite.cluster;
  const claim = await client.get(claims, { namespace, name });
  if (claim !== undefined) await client.delete(claims, claim.metadata, { uid: claim.metadata.uid });
}

function sourceOf({ suite, namespace }: Sea, { name, path }: StormClaim): SourceAndRef {
  return path === 'pod' ? providerOf(suite, namespace, name) : transferOf(namespace, name);
}

function objectsOf(sea: Sea, claim: StormClaim) {
  const { suite, namespace } = sea;
  const { name, storageClass } = claim;
  const { source, ref } = sourceOf(sea, claim);
  const image = suite.cluster.toolboxImage;
  const consumer = aConsumer({ name: `consumer-${name}`, namespace, image, claims: [name] });
  const manifest = aClaimManifest({ name, namespace, storageClass, source: ref });
  return [source, manifest, ...(storageClass.startsWith('wffc') ? [consumer] : [])];
}

function check({ replicas }: Sea): void {
  for (const replica of replicas) replica.check();
}

async function expectSurvivors(sea: Sea, survivors: readonly StormClaim[], all: readonly StormClaim[]): Promise<void> {
  const { suite, namespace, replicas } = sea;
  const { transfers } = suite;
  const [controller] = replicas;
  if (controller === undefined) throw new Error('there is no controller');
  const expected = survivors.map(({ name, path }) => [
    name,
    path === 'pod' ? serve(suite, name).listing : transfers.listing(name),
  ]);
  expect(await lanePopulated(suite, { namespace, controller }, { limitMs: 10 * 60_000 })).toEqual(
    Object.fromEntries(expected),
  );
  const ofPath = (claimsOfAll: readonly StormClaim[], path: StormClaim['path']) =>
    claimsOfAll.flatMap((claim) => (claim.path === path ? [claim.name] : []));
  expect(ofPath(survivors, 'pod').filter((name) => downloads(suite, name) !== 1)).toEqual([]);
  expect(ofPath(survivors, 'transfer').filter((name) => transfers.started(name).length !== 1)).toEqual([]);
  expect(ofPath(all, 'transfer').filter((name) => transfers.remembered(name).length > 0)).toEqual([]);
  expect(transfers.violations).toEqual([]);
}

/** A claim that was deleted after the hand-over leaves its volume where the class retains volumes; that is the user's to remove. */
async function loseHandedOver(
  { suite, namespace, replicas }: Sea,
  { claims: all, survivors }: StormPlan,
): Promise<void> {
  const { cluster } = suite;
  const deleted = new Set(all.map(({ name }) => name));
  for (const { name } of survivors) deleted.delete(name);
  await until(
    'deleted claims and their volumes to be gone',
    async () => {
      for (const replica of replicas) replica.check();
      const left = (await listAll(cluster, claims, namespace)).filter(({ metadata }) => deleted.has(metadata.name));
      const theirs = (await listAll(cluster, volumes)).filter(
        ({ spec }) => spec.claimRef?.namespace === namespace && deleted.has(spec.claimRef.name ?? ''),
      );
      for (const volume of theirs.filter(isRetained)) {
        const body = { spec: { persistentVolumeReclaimPolicy: 'Delete' } };
        await cluster.client.mergePatch(volumes, volume.metadata, body);
      }
      return [...left, ...theirs].map(({ metadata }) => metadata.name);
    },
    (names) => names.length === 0,
    { limitMs: 5 * 60_000, intervalMs: 500 },
  );
}

function isRetained({ metadata, spec, status }: Volume): boolean {
  const handedOver = status?.phase === 'Released' && metadata.annotations?.[ANNOTATION_POPULATED_FROM] !== undefined;
  return handedOver && spec.persistentVolumeReclaimPolicy === 'Retain';
}

interface SeenVolumes {
  readonly names: ReadonlySet<string>;
  stop(): void;
}

/** Names of all volumes that ever were for claims of this namespace. */
async function followVolumes({ suite, namespace }: Sea): Promise<SeenVolumes> {
  const names = new Set<string>();
  const look = async () => {
    for (const { metadata, spec } of await listAll(suite.cluster, volumes))
      if (spec.claimRef?.namespace === namespace) names.add(metadata.name);
  };
  const timer = setInterval(() => void look().catch(() => {}), 1000);
  await look();
  return { names, stop: () => clearInterval(timer) };
}

/** The node has mounted nothing of volumes that are gone. */
async function expectNoMounts({ suite }: Sea, { names }: SeenVolumes): Promise<void> {
  const { embedded } = suite.cluster;
  if (embedded === undefined) return;
  const living = new Set((await listAll<KubeObject>(suite.cluster, volumes)).map(({ metadata }) => metadata.name));
  const gone = [...names].filter((name) => !living.has(name));
  await until(
    'the node to have no mounts of volumes that are gone',
    () => nodeMounts(embedded).filter((mount) => gone.some((name) => mount.includes(name))),
    (left) => left.length === 0,
  );
}

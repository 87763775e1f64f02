/** What the controller tells of itself: metrics that are true, and few events. docs/hazards.md, cases 74 and 75. */
import { describe, expect } from '@jest/globals';
import type { KubeObject } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { events, type Resource } from '../../src/api/resources.ts';
import { laneEmpty, lanePopulated } from './harness/crash-lanes.ts';
import { expectNothingLeft, listAll } from './harness/invariants.ts';
import { aClaimManifest } from './harness/manifests.ts';
import { broken, downloads, providerOf, serve, type SourceAndRef, transferOf } from './harness/sources.ts';
import { type Lane, type Suite, useSuite } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;
const OPERATIONS = 'volume_populator_operation_seconds_count';

let suite: Suite;
useSuite((opened) => {
  suite = opened;
});

describe('the controller tells', () => {
  testTogether(
    [
      {
        name: 'case 74: ten successes, five failures and five deletions as such, and nothing in flight after them',
        play: playMetrics,
      },
      { name: 'case 75: the same trouble once, an end once, and nothing again after a restart', play: playEvents },
    ],
    ({ play }) => play(),
    TEST_MS,
  );
});

async function playMetrics(): Promise<void> {
  const lane = await suite.lane('metrics');
  const names = (what: string) => Array.from({ length: 5 }, (_, index) => `${lane.namespace}-${what}-${index}`);
  const [filled, moved, failed, deleted] = [names('pod'), names('transfer'), names('failed'), names('deleted')];
  const bytes = filled.reduce((sum, name) => sum + serve(suite, name).archive.length, 0);
  for (const name of failed) suite.archives.set(`/${name}`, { status: 404 });
  for (const name of deleted) suite.transfers.hold(name);
  await applyClaims(lane, [...filled, ...failed], (name) => providerOf(suite, lane.namespace, name));
  await applyClaims(lane, [...moved, ...deleted], (name) => transferOf(lane.namespace, name));

  await until('the transfers to begin', () => deleted.every((name) => suite.transfers.started(name).length > 0));
  expect((await lane.controller.metrics()).get('volume_populator_operations_in_flight')).toBeGreaterThanOrEqual(5);
  await removeClaims(lane, deleted);
  await laneEmpty(suite, lane, `${lane.namespace}-deleted`);
  await until(
    'the failures to be recorded',
    async () => (await listAll(suite.cluster, populations, lane.namespace)).map(({ status }) => status?.phase),
    (phases) => phases.filter((phase) => phase === 'Failed').length === 5,
  );
  const expected = { success: 10, failed: 5, cancelled: 5 };
  await until('the successes to be recorded', () => endings(lane), sameAs(expected));
  const metrics = await lane.controller.metrics();
  expect(sum(metrics, 'volprime_population_failures_total')).toBe(5);
  expect(sum(metrics, 'volprime_source_bytes_total{plugin="download-and-extract"}')).toBe(bytes);
  for (const gauge of [
    'volume_populator_operations_in_flight',
    'volprime_oldest_unfinished_claim_seconds',
    'controller_runtime_active_workers',
    'workqueue_depth',
  ]) {
    await until(
      `${gauge} to be 0`,
      async () => sum(await lane.controller.metrics(), gauge),
      (value) => value === 0,
    );
  }
  // What has ended does not end once more when its claim goes.
  await removeClaims(lane, [...failed, ...filled]);
  await laneEmpty(suite, lane, `${lane.namespace}-failed`);
  await laneEmpty(suite, lane, `${lane.namespace}-pod`);
  expect(await endings(lane)).toEqual(expected);
}

const RETRIES = 2;

async function playEvents(): Promise<void> {
  const lane = await suite.lane('events');
  const names = Array.from({ length: 6 }, (_, index) => `${lane.namespace}-${index}`);
  for (const name of names) serve(suite, name, broken(name, RETRIES));
  await applyClaims(lane, names, (name) => providerOf(suite, lane.namespace, name));
  await lanePopulated(suite, lane);
  expect(names.map((name) => downloads(suite, name))).toEqual(names.map(() => RETRIES + 1));
  const told = await until(
    'the end of each to be told',
    () => ourEvents(lane),
    (all) => ends(all) === names.length,
  );
  for (const name of names) {
    const reasons = told
      .filter(({ regarding }) => regarding?.name === name)
      .map(({ type, reason }) => `${type} ${reason}`);
    expect(reasons.filter((reason) => reason.startsWith('Warning'))).toEqual(['Warning SourceTruncated']);
    expect(reasons.filter((reason) => reason === 'Normal PopulatorFinished')).toHaveLength(1);
    expect(reasons.length).toBeLessThanOrEqual(RETRIES + 3);
  }
  // Kubernetes' own word about the prime, once, and of a claim that nobody finds any more.
  const misbound = (await listAll(suite.cluster, eventResource, lane.namespace)).filter(
    ({ reason }) => reason === 'ClaimMisbound',
  );
  expect(misbound.filter(({ regarding }) => regarding?.name?.startsWith('volprime-') !== true)).toEqual([]);

  await lane.controller.stop();
  lane.controller.start();
  await until(
    'the controller to work again',
    async () => (await lane.controller.metrics()).get(`${OPERATIONS}{result="success"}`) === 0,
  );
  const again = `${lane.namespace}-again`;
  serve(suite, again);
  await applyClaims(lane, [again], (name) => providerOf(suite, lane.namespace, name));
  await until(
    'the next end to be told',
    () => ourEvents(lane),
    (all) => all.some((event) => event.regarding?.name === again && event.reason === 'PopulatorFinished'),
  );
  const later = await ourEvents(lane);
  expect(later.filter(({ regarding }) => regarding?.name !== again).map(written)).toEqual(told.map(written));
  await expectNothingLeft(suite.cluster, lane.namespace, () => lane.controller.check());
}

interface Event extends KubeObject {
  readonly reason?: string;
  readonly type?: string;
  readonly reportingController?: string;
  readonly regarding?: { readonly name?: string };
}
const eventResource: Resource<Event> = events;

async function ourEvents({ namespace, controller }: Lane): Promise<Event[]> {
  controller.check();
  const all = await listAll(suite.cluster, eventResource, namespace);
  return all
    .filter(({ reportingController }) => reportingController === 'volprime.dev/controller')
    .sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
}

/** Counts on an event that was there may still be written. */
function written({ metadata, type, reason }: Event): string {
  return `${metadata.name} ${type} ${reason}`;
}

function ends(told: readonly Event[]): number {
  return told.filter(({ reason }) => reason === 'PopulatorFinished').length;
}

async function endings({ controller }: Lane): Promise<Readonly<Record<string, number>>> {
  const metrics = await controller.metrics();
  const results = ['success', 'failed', 'cancelled'];
  return Object.fromEntries(results.map((result) => [result, sum(metrics, `${OPERATIONS}{result="${result}"`)]));
}

function sameAs(expected: object): (seen: object) => boolean {
  return (seen) => JSON.stringify(seen) === JSON.stringify(expected);
}

/** Of all series whose name and labels begin so. */
function sum(metrics: ReadonlyMap<string, number>, series: string): number {
  return [...metrics].reduce((total, [name, value]) => (name.startsWith(series) ? total + value : total), 0);
}

async function applyClaims(
  { namespace }: Lane,
  names: readonly string[],
  sourceOf: (name: string) => SourceAndRef,
): Promise<void> {
  await suite.apply(
    ...names.flatMap((name) => {
      const { source, ref } = sourceOf(name);
      return [source, aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref })];
    }),
  );
}

async function removeClaims({ namespace }: Lane, names: readonly string[]): Promise<void> {
  await suite.cluster.kubectl(['delete', 'pvc', ...names, `--namespace=${namespace}`, '--wait=false']);
}

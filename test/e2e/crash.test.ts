/**
 * The controller is killed (SIGKILL) right before and right after each step, on both paths: docs/hazards.md, case 1.
 *
 * Each claim names one crash point, and the mark that the point leaves proves that it was hit. Claims before it are still on their way
 * then, so that they are hit too, wherever they are.
 */
import { describe, expect, test } from '@jest/globals';
import { ANNOTATION_CRASH_AT, populationName } from '../../src/api/names.ts';
import { populations } from '../../src/api/population.ts';
import { claims } from '../../src/api/resources.ts';
import type { ActionType } from '../../src/populate/action.ts';
import { setFault } from '../cluster/index.ts';
import { crashInLanes, laneEmpty, lanePopulated } from './harness/crash-lanes.ts';
import { type CrashCase, casesOf, podlessSteps, podSteps } from './harness/crash-points.ts';
import { aConsumer } from './harness/manifests.ts';
import { downloads, fails, hold, providerOf, serveFor, transferOf } from './harness/sources.ts';
import { type Lane, type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 10 * 60_000;

const cancelSteps: readonly ActionType[] = ['DeletePrime', 'ReleasePrime', 'ReleaseClaim', 'ReleasePopulation'];

let suite: Suite;
useSuite((opened) => {
  suite = opened;
});

describe('case 1: a controller that is killed at each step of the normal course', () => {
  test(
    'populates each claim once, with a pod',
    async () => {
      const cases = casesOf('pod', podSteps);
      const contents = new Map(cases.map((theCase) => [theCase.name, serveFor(suite, theCase)]));
      const lanes = await crashInLanes(suite, {
        label: 'crash-pod',
        storageClass: 'imm-del',
        cases,
        sourceOf: (namespace, { name }) => providerOf(suite, namespace, name, contents.get(name)?.checksum),
      });
      const read = await Promise.all(lanes.map((lane) => lanePopulated(suite, lane)));

      expect(merged(read)).toEqual(Object.fromEntries([...contents].map(([name, { listing }]) => [name, listing])));
      expect(downloadsOf(cases)).toEqual(
        Object.fromEntries(cases.map((theCase) => [theCase.name, fails(theCase.point) ? 2 : 1])),
      );
    },
    TEST_MS,
  );

  test(
    'populates each claim once, without a pod',
    async () => {
      const { transfers } = suite;
      const cases = casesOf('podless', podlessSteps);
      const lanes = await crashInLanes(suite, {
        label: 'crash-podless',
        storageClass: 'imm-del',
        cases,
        sourceOf: (namespace, { name }) => transferOf(namespace, name),
      });
      const read = await Promise.all(lanes.map((lane) => lanePopulated(suite, lane)));

      expect(merged(read)).toEqual(Object.fromEntries(cases.map(({ name }) => [name, transfers.listing(name)])));
      expect(cases.filter(({ name }) => transfers.started(name).length !== 1)).toEqual([]);
      expect(cases.filter(({ name }) => transfers.remembered(name).length !== 0)).toEqual([]);
      expect(transfers.violations).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'follows the scheduler to another node when the provisioner gives up on the first choice',
    async () => {
      const { embedded } = suite.cluster;
      if (embedded === undefined) return;
      const cases = casesOf('node', ['RecordRefusal', 'HandBackNode', 'SetPrimeNode']);
      const contents = new Map(cases.map((theCase) => [theCase.name, serveFor(suite, theCase)]));
      const lanes = await crashInLanes(suite, {
        label: 'crash-node',
        storageClass: 'wffc-del',
        cases,
        sourceOf: (namespace, { name }) => providerOf(suite, namespace, name, contents.get(name)?.checksum),
        bring: async ({ namespace }, { name }) => {
          const claim = await suite.cluster.client.get(claims, { namespace, name });
          const matchName = `volprime-${claim?.metadata.uid}`;
          await setFault(embedded, { call: 'CreateVolume', matchName, failCode: 'RESOURCE_EXHAUSTED', failTimes: 1 });
          const image = suite.cluster.toolboxImage;
          await suite.apply(aConsumer({ name: `consumer-${name}`, namespace, image, claims: [name] }));
        },
      });
      const read = await Promise.all(lanes.map((lane) => lanePopulated(suite, lane)));

      expect(merged(read)).toEqual(Object.fromEntries([...contents].map(([name, { listing }]) => [name, listing])));
    },
    TEST_MS,
  );
});

describe('cases 1 and 2: a controller that is killed at each step of a cancellation', () => {
  test(
    'leaves nothing of a claim that was being filled by a pod, although its class retains volumes',
    async () => {
      const cases = casesOf('cancel', ['DeletePod', 'RecordFinding', 'SuspendRetain', 'ReleasePod', ...cancelSteps]);
      const lanes = await crashInLanes(suite, {
        label: 'cancel-pod',
        storageClass: 'imm-ret',
        cases,
        sourceOf: (namespace, { name }) => {
          hold(suite, name);
          return providerOf(suite, namespace, name);
        },
        bring: async ({ namespace }, theCase) => {
          const { name } = theCase;
          await until(`the download of ${name} to begin`, () => downloads(suite, name) === 1);
          await deleteClaim(namespace, theCase);
        },
      });
      await Promise.all(lanes.map((lane) => laneEmpty(suite, lane)));
      expect(downloadsOf(cases)).toEqual(Object.fromEntries(cases.map(({ name }) => [name, 1])));
    },
    TEST_MS,
  );

  test(
    'leaves nothing of a claim that was being filled without a pod, and tells the service',
    async () => {
      const { transfers } = suite;
      const cases = casesOf('cancel-transfer', ['CallCleanup', ...cancelSteps]);
      for (const { name } of cases) transfers.hold(name);
      const lanes: Lane[] = await crashInLanes(suite, {
        label: 'cancel-podless',
        // Nobody can look into a volume that no pod mounts: under Retain it would stay.
        storageClass: 'imm-del',
        cases,
        sourceOf: (namespace, { name }) => transferOf(namespace, name),
        bring: async ({ namespace }, theCase) => {
          const { name } = theCase;
          await until(`the transfer ${name} to begin`, () => transfers.started(name).length === 1);
          await deleteClaim(namespace, theCase);
        },
      });
      await Promise.all(lanes.map((lane) => laneEmpty(suite, lane)));
      expect(cases.filter(({ name }) => transfers.started(name).length !== 1)).toEqual([]);
      expect(cases.filter(({ name }) => transfers.remembered(name).length !== 0)).toEqual([]);
      expect(transfers.violations).toEqual([]);
    },
    TEST_MS,
  );
});

/** The record names the crash point too: it outlives the claim. */
async function deleteClaim(namespace: string, { name, point }: CrashCase): Promise<void> {
  const { client } = suite.cluster;
  const claim = await client.get(claims, { namespace, name });
  const record = { namespace, name: populationName(claim?.metadata.uid ?? '') };
  const marked = await client.mergePatch(populations, record, {
    metadata: { annotations: { [ANNOTATION_CRASH_AT]: point } },
  });
  if (marked.type !== 'done') throw new Error(`the record of ${name} could not be marked: ${JSON.stringify(marked)}`);
  await suite.cluster.kubectl(['delete', 'pvc', name, `--namespace=${namespace}`, '--wait=false']);
}

function downloadsOf(cases: readonly CrashCase[]): Readonly<Record<string, number>> {
  return Object.fromEntries(cases.map(({ name }) => [name, downloads(suite, name)]));
}

function merged(reads: readonly Readonly<Record<string, string>>[]): Readonly<Record<string, string>> {
  return Object.assign({}, ...reads) as Readonly<Record<string, string>>;
}

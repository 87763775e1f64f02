/**
 * The controller is killed (SIGKILL) right before and right after each step, on both paths: populators.md, case 1.
 *
 * Each claim names one crash point, and the mark that the point leaves proves that it was hit. Claims before it are still on their way
 * then, so that they are hit too, wherever they are.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NewObject } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { claims } from '../../src/api/resources.ts';
import type { ActionType } from '../../src/populate/action.ts';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import { type Content, contentOf } from './harness/content.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, isFullyBound, listAll } from './harness/invariants.ts';
import {
  aClaimManifest,
  aProvider,
  aTransfer,
  type ClaimOptions,
  providerRef,
  transferRef,
} from './harness/manifests.ts';
import { readBack } from './harness/read-back.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 10 * 60_000;
/** Controllers at a time. */
const LANES = 3;

const fence: readonly ActionType[] = ['ProtectClaim', 'RecordPopulation'];
const handOver: readonly ActionType[] = ['RecordResult', 'Rebind'];
const cleanUp: readonly ActionType[] = [
  'DeletePrime',
  'ReleasePrime',
  'ReleaseClaim',
  'RecordSuccess',
  'ReleasePopulation',
];

const withPod: readonly ActionType[] = [
  ...fence,
  'Prepare',
  'CreatePrime',
  'StartAttempt',
  'CreatePod',
  'ReadProgress',
  'DeletePod',
  'ReleasePod',
  ...handOver,
  ...cleanUp,
];
const podless: readonly ActionType[] = [
  ...fence,
  'CreatePrime',
  'StartAttempt',
  'CallPopulate',
  'CallComplete',
  'RecordProgress',
  ...handOver,
  'CallCleanup',
  ...cleanUp,
];

interface Case {
  readonly name: string;
  readonly point: string;
}

const casesOf = (steps: readonly ActionType[]): Case[] =>
  steps.flatMap((step) =>
    ['before', 'after'].map((moment) => ({ name: `${moment}-${step}`.toLowerCase(), point: `${moment}-${step}` })),
  );

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
}, CLUSTER_UP_MS);
afterAll(async () => suite?.[Symbol.asyncDispose](), SUITE_DOWN_MS);

describe('a controller that is killed at each step of the normal course', () => {
  test(
    'populates each claim once, with a pod',
    async () => {
      const cases = casesOf(withPod);
      const contents = new Map(cases.map(({ name }) => [name, serve(name)]));
      const read = await populateWithCrashes('pod', cases, (namespace, { name }) => {
        const checksum = contents.get(name)?.checksum ?? '';
        const provider = aProvider(namespace, name, { sourceURL: `${suite.archives.url}/${name}`, checksum });
        return { provider, source: providerRef(name) };
      });
      expect(read).toEqual(Object.fromEntries([...contents].map(([name, { listing }]) => [name, listing])));
      expect(downloads(cases)).toEqual(Object.fromEntries(cases.map(({ name }) => [name, 1])));
    },
    TEST_MS,
  );

  test(
    'populates each claim once, without a pod',
    async () => {
      const cases = casesOf(podless);
      const read = await populateWithCrashes('podless', cases, (namespace, { name }) => ({
        provider: aTransfer(namespace, name, name),
        source: transferRef(name),
      }));
      expect(read).toEqual(Object.fromEntries(cases.map(({ name }) => [name, suite.transfers.listing(name)])));
      expect(cases.filter(({ name }) => suite.transfers.started(name).length !== 1)).toEqual([]);
      expect(cases.filter(({ name }) => suite.transfers.remembered(name).length !== 0)).toEqual([]);
      expect(suite.transfers.violations).toEqual([]);
    },
    TEST_MS,
  );
});

/** Slow enough that the pod is seen running. */
function serve(name: string): Content {
  const content = contentOf(name);
  suite.archives.set(`/${name}`, { body: content.archive, bytesPerSecond: 64 * 1024 });
  return content;
}

function downloads(cases: readonly Case[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    cases.map(({ name }) => [name, suite.archives.requests.filter(({ path }) => path === `/${name}`).length]),
  );
}

interface Source {
  readonly provider: NewObject;
  readonly source: ClaimOptions['source'];
}
type SourceOf = (namespace: string, theCase: Case) => Source;

/** Runs the cases in several lanes and reads all volumes back. */
async function populateWithCrashes(label: string, cases: readonly Case[], sourceOf: SourceOf) {
  const lanes = Array.from({ length: LANES }, (_, lane) => cases.filter((_case, index) => index % LANES === lane));
  const reads = await Promise.all(lanes.map((lane) => runLane(label, lane, sourceOf)));
  return Object.assign({}, ...reads) as Readonly<Record<string, string>>;
}

/** One namespace, one controller: the next claim comes as soon as the crash point of the one before was hit. */
async function runLane(label: string, cases: readonly Case[], sourceOf: SourceOf) {
  const namespace = await suite.namespace(`crash-${label}`);
  const controller = suite.controller({ name: namespace, namespaces: [namespace] });
  controller.start();
  for (const theCase of cases) {
    const { name, point } = theCase;
    const { provider, source } = sourceOf(namespace, theCase);
    await suite.apply(provider, aClaimManifest({ name, namespace, storageClass: 'imm-del', source, crashAt: point }));
    await until(
      `the crash point ${point} to be hit`,
      () => {
        controller.check();
        return controller.marks().map((mark) => mark.point);
      },
      (points) => points.includes(point),
    );
  }
  const names = cases.map(({ name }) => name);
  await allPopulated(controller, namespace, names);
  return readBack(suite.cluster, namespace, names);
}

/** Every claim is bound, every record says Succeeded, and nothing else is left. */
async function allPopulated(controller: ControllerProcess, namespace: string, names: readonly string[]): Promise<void> {
  await until(
    `all claims in ${namespace} to be bound and their records to succeed`,
    async () => {
      controller.check();
      const records = await listAll(suite.cluster, populations, namespace);
      const bound = (await listAll(suite.cluster, claims, namespace)).filter(isFullyBound);
      return names.filter((name) => {
        const record = records.find(({ spec }) => spec.claim.name === name);
        return record?.status?.phase !== 'Succeeded' || !bound.some(({ metadata }) => metadata.name === name);
      });
    },
    (waiting) => waiting.length === 0,
  );
  await expectNothingLeft(suite.cluster, namespace, () => controller.check());
}

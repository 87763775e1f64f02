/**
 * A claim is deleted at each step, with the controller down at that moment, and in all the other ways in which a claim can go:
 * docs/hazards.md, cases 2 to 5, 8, 37 and 70.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { claims } from '../../src/api/resources.ts';
import { claimOf, podAtWork, type Work } from './harness/claims.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { crashInLanes, laneEmpty } from './harness/crash-lanes.ts';
import { type CrashCase, casesOf, podlessSteps, podSteps } from './harness/crash-points.ts';
import { expectNothingLeft, isFullyBound } from './harness/invariants.ts';
import { aClaimManifest } from './harness/manifests.ts';
import { readBack } from './harness/read-back.ts';
import { providerOf, serve, serveFor, type SourceAndRef, transferOf } from './harness/sources.ts';
import { type Lane, type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 10 * 60_000;

let suite: Suite;
useSuite((opened) => {
  suite = opened;
});

describe('case 3: a claim that is deleted while the controller is down goes with all that was made for it', () => {
  const meanwhile = ({ namespace }: Lane, { name }: CrashCase) => startDeletion(namespace, name);

  test(
    'after each step with a pod',
    async () => {
      const lanes = await crashInLanes(suite, {
        label: 'delete-pod',
        storageClass: classFor(podSteps.indexOf('Rebind'), podSteps),
        cases: casesOf('delete', podSteps, ['after']),
        sourceOf: (namespace, theCase) => {
          serveFor(suite, theCase);
          return providerOf(suite, namespace, theCase.name);
        },
        meanwhile,
      });
      await Promise.all(lanes.map((lane) => laneEmpty(suite, lane)));
    },
    TEST_MS,
  );

  test(
    'after each step without a pod, and the service is told',
    async () => {
      const cases = casesOf('delete-transfer', podlessSteps, ['after']);
      const lanes = await crashInLanes(suite, {
        label: 'delete-podless',
        storageClass: classFor(podlessSteps.indexOf('Rebind'), podlessSteps),
        cases,
        sourceOf: (namespace, { name }) => transferOf(namespace, name),
        meanwhile,
      });
      await Promise.all(lanes.map((lane) => laneEmpty(suite, lane)));
      expect(cases.filter(({ name }) => suite.transfers.remembered(name).length > 0)).toEqual([]);
      expect(suite.transfers.violations).toEqual([]);
    },
    TEST_MS,
  );
});

describe('with the controller up', () => {
  let namespace: string;
  let controller: ControllerProcess;
  beforeAll(async () => {
    ({ namespace, controller } = await suite.lane('delete'));
  }, TEST_MS);

  test(
    'cases 2 and 26: foreground deletion in the middle of the work leaves nothing, although the class retains volumes',
    async () => {
      await Promise.all([downloadAtWork(namespace, 'foreground'), transferAtWork(namespace, 'foreground-transfer')]);
      const remove = ['delete', 'pvc', 'foreground', 'foreground-transfer', '--cascade=foreground', '--timeout=120s'];
      await suite.cluster.kubectl([...remove, `--namespace=${namespace}`]);
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
      expect(suite.transfers.remembered('foreground-transfer')).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'cases 8 and 37: source and class may be gone',
    async () => {
      const storageClass = `${namespace}-gone`;
      await suite.copyClass('imm-ret', storageClass);
      await Promise.all([
        downloadAtWork(namespace, 'orphan', storageClass),
        transferAtWork(namespace, 'orphan-transfer', storageClass),
      ]);
      const { kubectl } = suite.cluster;
      await kubectl(['delete', `storageclass/${storageClass}`]);
      const sources = ['provider.provider.example.com/orphan', 'transfer.transfer.example.com/orphan-transfer'];
      await kubectl(['delete', ...sources, `--namespace=${namespace}`]);

      await kubectl(['delete', 'pvc', 'orphan', 'orphan-transfer', '--timeout=120s', `--namespace=${namespace}`]);
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
      expect(suite.transfers.remembered('orphan-transfer')).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'case 5: a claim that comes back at once under the same name gets a population of its own',
    async () => {
      const { gate } = await downloadAtWork(namespace, 'again');
      const first = await claimOf(suite, namespace, 'again');
      await startDeletion(namespace, 'again');
      const content = serve(suite, 'again-second');
      const { source, ref } = providerOf(suite, namespace, 'again-second', content.checksum);
      await suite.apply(source);
      const claim = aClaimManifest({ name: 'again', namespace, storageClass: 'imm-del', source: ref });
      await until(
        'the name to be free',
        () => suite.cluster.client.create(claims, claim),
        ({ type }) => type === 'done',
        { intervalMs: 20 },
      );
      gate.open();
      const second = await until(
        'the second claim to be bound',
        () => claimOf(suite, namespace, 'again'),
        isFullyBound,
      );
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
      expect(second.metadata.uid).not.toBe(first.metadata.uid);
      expect(await readBack(suite.cluster, namespace, ['again'])).toEqual({ again: content.listing });
    },
    TEST_MS,
  );

  test(
    'case 4: claims that are deleted as soon as they are made leave nothing',
    async () => {
      const names = Array.from({ length: 20 }, (_, index) => `brief-${index}`);
      serve(suite, 'brief', { bytesPerSecond: 16 * 1024 });
      await suite.apply(providerOf(suite, namespace, 'brief').source, transferOf(namespace, 'brief').source);
      for (const [index, name] of names.entries()) {
        const { ref } = index % 2 === 0 ? providerOf(suite, namespace, 'brief') : transferOf(namespace, 'brief');
        const claim = aClaimManifest({ name, namespace, storageClass: 'imm-ret', source: ref });
        const made = await suite.cluster.client.create(claims, claim);
        if (made.type !== 'done') throw new Error(`claim ${name} could not be made: ${JSON.stringify(made)}`);
        await suite.cluster.client.delete(claims, made.object.metadata, { uid: made.object.metadata.uid });
      }
      await laneEmpty(suite, { namespace, controller }, 'brief-');
    },
    TEST_MS,
  );
});

test(
  'case 70: a namespace that is deleted in the middle of the work goes, and nothing of it stays, although the class retains volumes',
  async () => {
    const { namespace, controller } = await suite.lane('doomed');
    await Promise.all([downloadAtWork(namespace, 'doomed'), transferAtWork(namespace, 'doomed-transfer')]);

    await suite.cluster.kubectl(['delete', 'namespace', namespace, '--timeout=120s']);
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    expect(suite.transfers.remembered('doomed-transfer')).toEqual([]);
  },
  TEST_MS,
);

/** Until the hand-over the class retains volumes, so that ours are not removed by chance; after it a deleted claim's volume is the class's matter. */
function classFor(handOver: number, steps: readonly string[]) {
  return ({ point }: CrashCase) =>
    steps.findIndex((step) => point.endsWith(`-${step}`)) < handOver ? 'imm-ret' : 'imm-del';
}

async function startDeletion(namespace: string, name: string): Promise<void> {
  await suite.cluster.kubectl(['delete', 'pvc', name, `--namespace=${namespace}`, '--wait=false']);
}

/** A claim whose populator pod is held in the middle of its download; claim and source have one name. */
function downloadAtWork(namespace: string, name: string, storageClass = 'imm-ret'): Promise<Work> {
  return podAtWork(suite, namespace, name, { storageClass, source: name });
}

/** A claim whose transfer does not end. */
async function transferAtWork(namespace: string, name: string, storageClass = 'imm-ret'): Promise<void> {
  suite.transfers.hold(name);
  await applyClaim(namespace, name, storageClass, transferOf(namespace, name));
  await until(`the transfer ${name} to begin`, () => suite.transfers.started(name).length > 0);
}

async function applyClaim(namespace: string, name: string, storageClass: string, { source, ref }: SourceAndRef) {
  await suite.apply(source, aClaimManifest({ name, namespace, storageClass, source: ref }));
}

/** Crash points in lanes: each lane is a namespace with a controller of its own that dies at one point after the other. */
import { populations } from '../../../src/api/population.ts';
import { claims } from '../../../src/api/resources.ts';
import type { CrashCase } from './crash-points.ts';
import { expectNothingLeft, isFullyBound, listAll } from './invariants.ts';
import { aClaimManifest } from './manifests.ts';
import { readBack } from './read-back.ts';
import type { SourceAndRef } from './sources.ts';
import type { Lane, Suite } from './suite.ts';
import { until, type UntilOptions } from './until.ts';

export interface LanesOptions {
  readonly label: string;
  readonly storageClass: string | ((theCase: CrashCase) => string);
  readonly cases: readonly CrashCase[];
  readonly sourceOf: (namespace: string, theCase: CrashCase) => SourceAndRef;
  /** What happens when the controller has died at the point of this case, before it is started again. */
  readonly meanwhile?: (lane: Lane, theCase: CrashCase) => Promise<void>;
  /** What has to happen after the claim was applied, for its point to be reached. */
  readonly bring?: (lane: Lane, theCase: CrashCase) => Promise<void>;
}

const LANES = 5;

/**
 * Applies the cases one by one: the next as soon as the point of the one before was hit, so that each kill also meets earlier claims,
 * wherever they are. Resolves when every point was hit; the controllers go on.
 */
export async function crashInLanes(suite: Suite, options: LanesOptions): Promise<Lane[]> {
  const lanes = Array.from({ length: Math.min(LANES, options.cases.length) }, (_, index) =>
    options.cases.filter((_case, position) => position % LANES === index),
  );
  return Promise.all(lanes.map((cases) => runLane(suite, { ...options, cases })));
}

async function runLane(suite: Suite, options: LanesOptions): Promise<Lane> {
  const { label, storageClass, cases, sourceOf, bring, meanwhile } = options;
  const namespace = await suite.namespace(label);
  let current: CrashCase | undefined;
  const onCrash = async () => {
    if (current === undefined || !wasHit(lane, current)) return;
    const hit = current;
    current = undefined;
    await meanwhile?.(lane, hit);
  };
  const lane: Lane = {
    namespace,
    controller: suite.controller({ name: namespace, namespaces: [namespace], onCrash }),
  };
  lane.controller.start();
  for (const theCase of cases) {
    const { name, point } = theCase;
    const { source, ref } = sourceOf(namespace, theCase);
    current = theCase;
    const className = typeof storageClass === 'string' ? storageClass : storageClass(theCase);
    const claim = aClaimManifest({ name, namespace, storageClass: className, source: ref, crashAt: point });
    await suite.apply(source, claim);
    await bring?.(lane, theCase);
    await until(
      `the controller to die at ${point}`,
      () => {
        lane.controller.check();
        return { hit: wasHit(lane, theCase), noticed: current === undefined };
      },
      ({ hit, noticed }) => hit && noticed,
    );
  }
  return lane;
}

function wasHit({ controller }: Lane, { point }: CrashCase): boolean {
  return controller.marks().some((mark) => mark.point === point);
}

/** Every claim of the lane is bound, every record says Succeeded, and nothing else is left. @returns what a reader finds in each. */
export async function lanePopulated(
  suite: Suite,
  { namespace, controller }: Lane,
  limit: Pick<UntilOptions, 'limitMs'> = {},
): Promise<Readonly<Record<string, string>>> {
  const { cluster } = suite;
  const all = await until(
    `all claims in ${namespace} to be bound and their records to succeed`,
    async () => {
      controller.check();
      const records = await listAll(cluster, populations, namespace);
      const users = (await listAll(cluster, claims, namespace)).filter(({ spec }) => spec.dataSourceRef !== undefined);
      return users.map((claim) => ({
        name: claim.metadata.name,
        bound: isFullyBound(claim),
        phase: records.find(({ spec }) => spec.claim.uid === claim.metadata.uid)?.status?.phase,
      }));
    },
    (states) => states.every(({ bound, phase }) => bound && phase === 'Succeeded'),
    limit,
  );
  await expectNothingLeft(cluster, namespace, () => controller.check());
  return readBack(
    cluster,
    namespace,
    all.map(({ name }) => name),
  );
}

/** No claim of the lane (whose name begins so) is there any more, and nothing else of ours. */
export async function laneEmpty({ cluster }: Suite, { namespace, controller }: Lane, prefix = ''): Promise<void> {
  await until(
    `all claims ${prefix} in ${namespace} to be gone`,
    async () => {
      controller.check();
      const names = (await listAll(cluster, claims, namespace)).map(({ metadata }) => metadata.name);
      return names.filter((name) => name.startsWith(prefix));
    },
    (left) => left.length === 0,
  );
  await expectNothingLeft(cluster, namespace, () => controller.check());
}

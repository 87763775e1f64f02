/** One pass over N claims or pods: from the first create call to the last object seen as wanted, in seconds. */
import { CLAIM_FINALIZER, LABEL_MANAGED_BY, MANAGED_BY } from '../src/api/names.ts';
import type { DataSourceRef, KubeObject, Pod } from '../src/api/objects.ts';
import { claims, pods } from '../src/api/resources.ts';
import { hasEnded, isBound, namesOf, newClaim, newPod, snapshotSource } from './objects.ts';
import { allSeen, nothingLeft } from './observer.ts';
import { createAll, type Site } from './site.ts';

export interface Pass {
  readonly prefix: string;
  readonly count: number;
  readonly storageClass: string;
  /** Claims in turn; the benchmark's own unless told. */
  readonly namespaces?: readonly string[];
}

export interface PopulatedTimes {
  /** Until the last claim is Bound. */
  readonly bound: number;
  /** Until nothing of Volprime is left but the records. */
  readonly atRest: number;
}

/** Claims without a data source, create to Bound. */
export function plainClaims(site: Site, pass: Pass): Promise<number> {
  return provisionedClaims(site, pass, undefined);
}

/** Claims that the CSI driver makes from a snapshot, create to Bound. */
export function plainRestores(site: Site, pass: Pass): Promise<number> {
  return provisionedClaims(site, pass, snapshotSource);
}

async function provisionedClaims(
  site: Site,
  { prefix, count, storageClass }: Pass,
  source: DataSourceRef | undefined,
): Promise<number> {
  const names = namesOf(prefix, count);
  const objects = names.map((name) => newClaim({ name, storageClass, source }));
  const elapsed = stopwatch();
  const bound = allSeen(site.claims, { what: 'plain claims to be bound', names, wanted: isBound });
  await Promise.all([bound, createAll(site, claims, objects)]);
  return elapsed();
}

/** Pods that mount a claim of their own, create (of claim and pod) to Succeeded. */
export async function plainPods(site: Site, { prefix, count, storageClass }: Pass): Promise<number> {
  const names = namesOf(prefix, count);
  const volumes = names.map((name) => newClaim({ name, storageClass }));
  const elapsed = stopwatch();
  const ended = allSeen(site.pods, { what: 'plain pods to end', names, wanted: hasEnded, onEach: mustSucceed });
  await Promise.all([ended, createAll(site, claims, volumes), createAll(site, pods, names.map(newPod))]);
  return elapsed();
}

function mustSucceed({ metadata, status }: Pod): void {
  if (status?.phase !== 'Succeeded') throw new Error(`pod ${metadata.name} ended as ${status?.phase}`);
}

/** Claims that the running controller populates from this source. */
export async function populated(
  site: Site,
  source: DataSourceRef,
  pass: Pass,
  onBound: () => Promise<void> = async () => {},
): Promise<PopulatedTimes> {
  const { prefix, count, storageClass, namespaces = [] } = pass;
  const names = namesOf(prefix, count);
  const objects = names.map((name, index) =>
    newClaim({ name, namespace: namespaces[index % namespaces.length], storageClass, source }),
  );
  const elapsed = stopwatch();
  const bound = allSeen(site.claims, { what: 'populated claims to be bound', names, wanted: isBound });
  await Promise.all([bound, createAll(site, claims, objects)]);
  const boundAfter = elapsed();
  await onBound();
  await nothingLeft('being at rest', [site.claims, site.pods, site.populations], () => unrest(site, count));
  return { bound: boundAfter, atRest: elapsed() };
}

/** What of Volprime is left; undefined when it is finished records only. */
function unrest({ claims, pods, populations }: Site, records: number): string | undefined {
  const remains: KubeObject[] = [...claims.store.list(), ...pods.store.list()].filter(
    ({ metadata }) =>
      metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY || metadata.finalizers?.includes(CLAIM_FINALIZER),
  );
  const finished = populations.store
    .list()
    .filter(({ metadata, status }) => status?.phase === 'Succeeded' && (metadata.finalizers ?? []).length === 0);
  if (remains.length === 0 && finished.length === records) return undefined;
  return `${remains.length} objects left, such as ${remains[0]?.metadata.name}; ${finished.length} of ${records} records finished`;
}

export function stopwatch(): () => number {
  const startedAt = performance.now();
  return () => (performance.now() - startedAt) / 1000;
}

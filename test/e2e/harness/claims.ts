/** Claims as a user makes them and sees them, each with a source of its own that bears the name of namespace and claim. */
import { expect } from '@jest/globals';
import type { Claim, KubeObject } from '../../../src/api/objects.ts';
import type { PopulationStatus } from '../../../src/api/population.ts';
import { claims, events, type Resource } from '../../../src/api/resources.ts';
import type { Gate, Route } from '../../support/archive-server.ts';
import { expectNothingLeft, isFullyBound, listAll } from './invariants.ts';
import { aClaimManifest } from './manifests.ts';
import { read, recordOf } from './objects.ts';
import { readBack } from './read-back.ts';
import { downloads, hold, providerOf, serve } from './sources.ts';
import type { Suite } from './suite.ts';
import { aScript, scriptRef } from './text-files.ts';
import { until, type UntilOptions } from './until.ts';

/** For what backs off. */
export const SLOWLY = { limitMs: 240_000 };

interface Event extends KubeObject {
  readonly reason?: string;
  readonly type?: string;
  readonly regarding?: { readonly uid?: string };
}
const eventResource: Resource<Event> = events;

export const sourceName = (namespace: string, name: string) => `${namespace}-${name}`;

/** @returns what a reader of the volume will print. */
export async function beginDownload(suite: Suite, namespace: string, name: string, route: Route = {}): Promise<string> {
  const { listing } = serve(suite, sourceName(namespace, name), route);
  const { source, ref } = providerOf(suite, namespace, sourceName(namespace, name));
  await suite.apply(source, aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref }));
  return listing;
}

export async function beginScript(suite: Suite, namespace: string, name: string, script: string): Promise<void> {
  await suite.apply(
    aScript(namespace, name, script),
    aClaimManifest({ name, namespace, storageClass: 'imm-del', source: scriptRef(name) }),
  );
}

export interface Work {
  readonly claim: Claim;
  readonly listing: string;
  readonly gate: Gate;
}

export interface WorkOptions extends Pick<UntilOptions, 'limitMs'> {
  readonly storageClass?: string;
  /** Name of the Provider and of its archive. */
  readonly source?: string;
}

/** A claim whose populator pod is held in the middle of its download. */
export async function podAtWork(
  suite: Suite,
  namespace: string,
  name: string,
  { storageClass = 'imm-del', source: path = sourceName(namespace, name), ...limit }: WorkOptions = {},
): Promise<Work> {
  const { listing, gate } = hold(suite, path);
  const { source, ref } = providerOf(suite, namespace, path);
  await suite.apply(source, aClaimManifest({ name, namespace, storageClass, source: ref }));
  await until(`the download of ${path} to begin`, () => downloads(suite, path) > 0, Boolean, limit);
  return { listing, gate, claim: await claimOf(suite, namespace, name) };
}

/** The message of the condition, once condition and event have the reason. */
export async function toldOf(suite: Suite, namespace: string, name: string, reason: string): Promise<string> {
  const { status } = await until(
    `${namespace}/${name} to be told ${reason}`,
    async () => ({
      status: await statusOf(suite, namespace, name),
      warnings: await warningsAbout(suite, namespace, name),
    }),
    (told) => readyOf(told.status)?.reason === reason && told.warnings.includes(reason),
    SLOWLY,
  );
  return readyOf(status)?.message ?? '';
}

export function readyOf(status: PopulationStatus | undefined) {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

/** Undefined while there is no record. */
export async function statusOf(suite: Suite, namespace: string, name: string): Promise<PopulationStatus | undefined> {
  return (await recordOf(suite.cluster, await claimOf(suite, namespace, name)))?.status;
}

/** Reasons of the Warning events of ours about a claim, each once, sorted. */
export async function warningsAbout(suite: Suite, namespace: string, name: string): Promise<string[]> {
  const { uid } = (await claimOf(suite, namespace, name)).metadata;
  const about = (await listAll(suite.cluster, eventResource, namespace)).filter(
    ({ regarding, type }) => regarding?.uid === uid && type === 'Warning',
  );
  return [...new Set(about.map(({ reason }) => reason ?? ''))].sort();
}

/** @throws where it does not exist. */
export function claimOf({ cluster }: Suite, namespace: string, name: string): Promise<Claim> {
  return read(cluster, claims, { namespace, name });
}

export async function expectBound(suite: Suite, namespace: string, name: string): Promise<void> {
  await until(`${namespace}/${name} to be bound`, () => claimOf(suite, namespace, name), isFullyBound, SLOWLY);
}

/** Where claims are, and whose end would make a wait for them vain. */
export interface Place {
  readonly namespace: string;
  readonly controller?: { check(): void };
}

/** Listings of what claims hold, by the names of the claims. */
export type Contents = Readonly<Record<string, string>>;

/** Each bound, with the record saying so and these files. */
export async function expectPopulated(suite: Suite, place: Place, contents: Contents): Promise<void> {
  const { namespace, controller } = place;
  for (const name of Object.keys(contents))
    await until(
      `${namespace}/${name} to be bound and its record to succeed`,
      async () => {
        controller?.check();
        const claim = await claimOf(suite, namespace, name);
        return { bound: isFullyBound(claim), phase: (await recordOf(suite.cluster, claim))?.status?.phase };
      },
      ({ bound, phase }) => bound && phase === 'Succeeded',
      SLOWLY,
    );
  expect(await readBack(suite.cluster, namespace, Object.keys(contents))).toEqual(contents);
}

/** As above, and nothing of ours is left in the whole namespace. */
export async function expectAtRest(suite: Suite, place: Place, contents: Contents): Promise<void> {
  await expectPopulated(suite, place, contents);
  await expectNothingLeft(suite.cluster, place.namespace, () => place.controller?.check());
}

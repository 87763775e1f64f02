/** Claims as a user makes them and sees them, each with a source of its own that bears the name of namespace and claim. */
import { expect } from '@jest/globals';
import type { Claim, KubeObject } from '../../../src/api/objects.ts';
import { type PopulationStatus, populations } from '../../../src/api/population.ts';
import { claims, events, type Resource } from '../../../src/api/resources.ts';
import type { Gate, Route } from '../../support/archive-server.ts';
import { expectNothingLeft, isFullyBound, listAll } from './invariants.ts';
import { aClaimManifest } from './manifests.ts';
import { readBack } from './read-back.ts';
import { downloads, hold, providerOf, serve } from './sources.ts';
import type { Suite } from './suite.ts';
import { aScript, scriptRef } from './text-files.ts';
import { until } from './until.ts';

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
  readonly uid: string;
  readonly listing: string;
  readonly gate: Gate;
}

/** A claim whose populator pod is held in the middle of its download. */
export async function podAtWork(suite: Suite, namespace: string, name: string): Promise<Work> {
  const path = sourceName(namespace, name);
  const { listing, gate } = hold(suite, path);
  const { source, ref } = providerOf(suite, namespace, path);
  await suite.apply(source, aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref }));
  await until(`the download of ${path} to begin`, () => downloads(suite, path) > 0, Boolean, SLOWLY);
  return { listing, gate, uid: (await claimOf(suite, namespace, name)).metadata.uid };
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
  const { uid } = (await claimOf(suite, namespace, name)).metadata;
  const records = await listAll(suite.cluster, populations, namespace);
  return records.find(({ spec }) => spec.claim.uid === uid)?.status;
}

/** Reasons of the Warning events of ours about a claim, each once, sorted. */
export async function warningsAbout(suite: Suite, namespace: string, name: string): Promise<string[]> {
  const { uid } = (await claimOf(suite, namespace, name)).metadata;
  const about = (await listAll(suite.cluster, eventResource, namespace)).filter(
    ({ regarding, type }) => regarding?.uid === uid && type === 'Warning',
  );
  return [...new Set(about.map(({ reason }) => reason ?? ''))].sort();
}

export async function claimOf({ cluster }: Suite, namespace: string, name: string): Promise<Claim> {
  const claim = await cluster.client.get(claims, { namespace, name });
  if (claim === undefined) throw new Error(`claim ${name} is not there`);
  return claim;
}

export async function expectBound(suite: Suite, namespace: string, name: string): Promise<void> {
  await until(`${namespace}/${name} to be bound`, () => claimOf(suite, namespace, name), isFullyBound, SLOWLY);
}

/** Bound, with these files, and nothing of ours is left in the namespace. */
export async function expectPopulated(suite: Suite, namespace: string, name: string, listing: string): Promise<void> {
  await expectBound(suite, namespace, name);
  await expectNothingLeft(suite.cluster, namespace);
  expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: listing });
}

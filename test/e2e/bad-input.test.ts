/**
 * What cannot be populated: the claim stays Pending, one condition and one event name the cause, what may get better is tried again, and
 * what cannot stops until the source's spec changes. docs/hazards.md, cases 6, 12 and 43.
 */
import { beforeEach, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import type { KubeObject, NewObject } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { claims, events, type Resource } from '../../src/api/resources.ts';
import type { Route } from '../support/archive-server.ts';
import { type Contents, expectAtRest } from './harness/claims.ts';
import { contentOf } from './harness/content.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, listAll } from './harness/invariants.ts';
import { aClaimManifest, aProvider, providerRef } from './harness/manifests.ts';
import { downloads, providerOf, serve } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 10 * 60_000;
const TOKEN = 'secret-of-the-test';

interface BadInput {
  /** Of claim, source and path. */
  readonly name: string;
  readonly reason: string;
  readonly route?: Route;
  readonly spec?: { readonly checksum: string };
  readonly storageClass?: string;
}

const permanent: readonly BadInput[] = [
  { name: 'not-found', reason: 'SourceNotFound', route: { status: 404 } },
  { name: 'unauthorized', reason: 'SourceUnauthorized', route: { authorization: `Bearer ${TOKEN}` } },
  { name: 'wrong-checksum', reason: 'ChecksumMismatch', spec: { checksum: `sha256:${'0'.repeat(64)}` } },
  { name: 'web-page', reason: 'NotAnArchive', route: { body: Buffer.from('<!DOCTYPE html><title>Log in</title>') } },
  { name: 'text-in-gzip', reason: 'NotAnArchive', route: { body: gzipSync('no archive '.repeat(1000)) } },
  {
    name: 'too-large',
    reason: 'VolumeFull',
    storageClass: 'small-image',
    // Without an announced length, or it would be refused before it begins.
    route: { body: contentOf('too-large', 80 * 1024 * 1024).archive, chunked: true },
  },
];

const temporary: readonly BadInput[] = [
  { name: 'truncated', reason: 'SourceTruncated', route: { announce: contentOf('truncated').archive.length + 1000 } },
  { name: 'cut', reason: 'SourceTruncated', route: { cutAfter: 2000 } },
  { name: 'broken', reason: 'SourceUnreachable', route: { status: 500 } },
  { name: 'busy', reason: 'SourceBusy', route: { status: 503, headers: { 'retry-after': '1' } } },
];

interface Event extends KubeObject {
  readonly reason?: string;
  readonly type?: string;
  readonly reportingController?: string;
  readonly regarding?: { readonly uid?: string };
}
const eventResource: Resource<Event> = events;

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
useSuite((opened) => {
  suite = opened;
});
beforeEach(async () => {
  ({ namespace, controller } = await suite.lane('bad-input'));
}, TEST_MS);

test(
  'cases 12 and 43: a source that cannot be used stops the claim, with the cause, until the spec of the source changes',
  async () => {
    await begin(permanent);
    const stopped = await until(
      'all claims to be given up',
      () => tell(permanent),
      (told) => told.every(({ phase, warnings }) => phase === 'Failed' && warnings.length > 0),
    );
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    expect(stopped).toEqual(
      permanent.map(({ name, reason }) => ({
        name,
        claim: 'Pending',
        volume: undefined,
        phase: 'Failed',
        conditions: { Ready: `False ${reason}`, Stalled: `True ${reason}` },
        failures: 1,
        warnings: [reason],
      })),
    );
    expect(permanent.filter(({ name }) => downloads(suite, name) !== 1)).toEqual([]);

    const contents = await mend();
    await expectAtRest(suite, { namespace, controller }, contents);
  },
  TEST_MS,
);

test(
  'case 12: a source that may get better is tried again until it does',
  async () => {
    await begin(temporary);
    // Between two attempts the cause stands in the condition; during one it says that it is populating.
    const seen = new Map<string, Told>();
    await until(
      'the cause of a second failure of each',
      async () => {
        for (const told of await tell(temporary)) {
          const { reason } = temporary.find(({ name }) => name === told.name) ?? {};
          if (told.failures >= 2 && told.conditions['Ready'] === `False ${reason}`) seen.set(told.name, told);
        }
        return temporary.filter(({ name }) => !seen.has(name));
      },
      (unseen) => unseen.length === 0,
    );
    for (const { name, reason } of temporary) {
      const conditions = { Ready: `False ${reason}`, Reconciling: `True ${reason}` };
      expect(seen.get(name)).toMatchObject({ claim: 'Pending', volume: undefined, conditions, warnings: [reason] });
    }
    const contents = Object.fromEntries(temporary.map(({ name }) => [name, serve(suite, name).listing]));
    await expectAtRest(suite, { namespace, controller }, contents);
  },
  TEST_MS,
);

test(
  'case 6: a source that is missing is waited for, and nothing is made meanwhile',
  async () => {
    const name = 'late';
    const content = serve(suite, name);
    const { source, ref } = providerOf(suite, namespace, name, content.checksum);
    await suite.apply(aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref }));
    const reason = 'PopulatorDataSourceNotFound';
    const told = await until(
      'the claim to say what it waits for',
      () => tell([{ name }]),
      ([it]) => it?.phase !== undefined && it.warnings.length > 0,
    );
    expect(told).toEqual([
      {
        name,
        claim: 'Pending',
        volume: undefined,
        phase: 'Waiting',
        conditions: { Ready: `False ${reason}`, Reconciling: `True ${reason}` },
        failures: 0,
        warnings: [reason],
      },
    ]);
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    await suite.apply(source);
    await expectAtRest(suite, { namespace, controller }, { [name]: content.listing });
  },
  TEST_MS,
);

/** What a person can see of a claim. */
interface Told {
  readonly name: string;
  readonly claim: string | undefined;
  readonly volume: string | undefined;
  readonly phase: string | undefined;
  /** Type → status and reason. */
  readonly conditions: Readonly<Record<string, string>>;
  readonly failures: number;
  /** Reasons of our Warning events about it. */
  readonly warnings: readonly (string | undefined)[];
}

async function begin(cases: readonly BadInput[]): Promise<void> {
  await suite.apply(
    ...cases.flatMap(({ name, route, spec, storageClass = 'imm-del' }) => {
      serve(suite, name, route);
      return [
        aProvider(namespace, name, { sourceURL: `${suite.archives.url}/${name}`, ...spec }),
        aClaimManifest({ name, namespace, storageClass, source: providerRef(name) }),
      ];
    }),
  );
}

/** One names a Secret, the others another URL. */
async function mend(): Promise<Contents> {
  const providers = permanent.map(({ name }) => {
    const mended = `${name}-mended`;
    const url = `${suite.archives.url}/${mended}`;
    serve(suite, mended, name === 'unauthorized' ? { authorization: `Bearer ${TOKEN}` } : {});
    const secret = name === 'unauthorized' && { secretRef: { name: 'credentials' } };
    return aProvider(namespace, name, { sourceURL: url, ...secret });
  });
  await suite.apply(credentials(suite.archives.url), ...providers);
  return Object.fromEntries(permanent.map(({ name }) => [name, contentOf(`${name}-mended`).listing]));
}

function credentials(hosts: string): NewObject {
  const metadata = { name: 'credentials', namespace };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    type: 'volprime.dev/credentials',
    stringData: { hosts, token: TOKEN },
  };
}

async function tell(cases: readonly Pick<BadInput, 'name'>[]): Promise<Told[]> {
  controller.check();
  const { cluster } = suite;
  const [claimList, records, eventList] = await Promise.all([
    listAll(cluster, claims, namespace),
    listAll(cluster, populations, namespace),
    listAll(cluster, eventResource, namespace),
  ]);
  return cases.map(({ name }) => {
    const claim = claimList.find(({ metadata }) => metadata.name === name);
    const status = records.find(({ spec }) => spec.claim.uid === claim?.metadata.uid)?.status;
    const about = eventList.filter(
      ({ regarding, type, reportingController }) =>
        regarding?.uid === claim?.metadata.uid &&
        type === 'Warning' &&
        reportingController === 'volprime.dev/controller',
    );
    return {
      name,
      claim: claim?.status?.phase,
      volume: claim?.spec.volumeName,
      phase: status?.phase,
      conditions: Object.fromEntries(status?.conditions?.map((it) => [it.type, `${it.status} ${it.reason}`]) ?? []),
      failures: status?.failures ?? 0,
      warnings: about.map(({ reason }) => reason),
    };
  });
}

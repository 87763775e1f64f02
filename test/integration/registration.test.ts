/** VolumePopulators on a real API server with upstream's own CRD: it may come late, and what others made stays as it is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import type { NewObject } from '../../src/api/objects.ts';
import { volumePopulators } from '../../src/api/volume-populator.ts';
import type { Connection } from '../../src/kube/index.ts';
import { createRegistrationController } from '../../src/registration/index.ts';
import type { EventDraft } from '../../src/runtime/index.ts';
import { createMetrics } from '../../src/telemetry/index.ts';
import { eventually } from '../support/eventually.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { clientOf, controlPlane, customResourceDefinitions, done, ofThisRun, removeAll } from './control-plane.ts';

jest.setTimeout(60_000);

const sources = [
  { group: 'provider.example.com', kind: 'Provider' },
  { group: 'transfer.example.com', kind: 'Transfer' },
  { group: 'text.example.com', kind: 'TextFile' },
];

let client: Connection;
const stop = new AbortController();
const drafts: EventDraft[] = [];
const logger = recordingLogger();
let running: Promise<void>;
let looks = 0;

beforeAll(async () => {
  client = clientOf(await controlPlane());
  if (await client.hasResource(volumePopulators)) throw new Error('the cluster has VolumePopulators already');
  const events = { emit: (draft: EventDraft) => drafts.push(draft) };
  const metrics = createMetrics();
  const counting: Connection = {
    ...client,
    listPage: (...parameters) => {
      looks += 1;
      return client.listPage(...parameters);
    },
  };
  const controller = createRegistrationController({
    client: counting,
    sources,
    events,
    logger,
    metrics,
    intervalMs: 50,
  });
  running = controller.run(stop.signal);
});
afterAll(async () => {
  stop.abort();
  await running;
  await removeAll(client);
  await client.close();
});

test('without the kind it goes on without a word; when it comes, what is missing is registered and no more', async () => {
  await client.create(customResourceDefinitions, definition());
  await eventually('the kind to be served', () => client.hasResource(volumePopulators));
  const registered = await eventually(
    'the kinds to be registered',
    async () => (await client.listPage(volumePopulators, {})).items,
    (items) => items.length === sources.length,
  );
  expect(registered.map(({ sourceKind }) => sourceKind)).toEqual(expect.arrayContaining(sources));
  expect(logger.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
});

test('what is removed comes back; what somebody registered in its place stays, and counts', async () => {
  const [ours] = (await client.listPage(volumePopulators, {})).items.filter(
    ({ sourceKind }) => sourceKind.kind === 'Transfer',
  );
  const theirs = done(await client.create(volumePopulators, aPopulator('theirs', sources[1] ?? {})));
  await client.delete(volumePopulators, { name: ours?.metadata.name ?? '' }, { uid: ours?.metadata.uid ?? '' });
  await rounds(3);
  expect(await namesOf('Transfer')).toEqual(['theirs']);
  await client.delete(volumePopulators, { name: 'theirs' }, { uid: theirs.metadata.uid });
  await eventually(
    'ours to be there again',
    () => namesOf('Transfer'),
    (names) => names[0] === ours?.metadata.name,
  );
});

test("an object of somebody else's that has our name is told of once, and unchanged", async () => {
  const name = 'volprime-textfile.text.example.com';
  const ours = await client.get(volumePopulators, { name });
  await client.mergePatch(
    volumePopulators,
    { name },
    { metadata: { uid: ours?.metadata.uid }, sourceKind: { kind: 'Other' } },
  );
  const before = await client.get(volumePopulators, { name });
  await eventually('it to be told of', () => drafts.length > 0);
  await rounds(3);
  expect(drafts).toEqual([expect.objectContaining({ reason: 'NameTaken', type: 'Warning' })]);
  expect(await client.get(volumePopulators, { name })).toEqual(before);
});

function definition(): NewObject {
  const crd = parse(
    readFileSync(join(import.meta.dirname, '../support/volume-populators-crd.yaml'), 'utf8'),
  ) as NewObject;
  return { ...crd, metadata: { ...crd.metadata, labels: ofThisRun } };
}

function aPopulator(name: string, sourceKind: object): NewObject {
  return { apiVersion: 'populator.storage.k8s.io/v1beta1', kind: 'VolumePopulator', metadata: { name }, sourceKind };
}

async function namesOf(kind: string): Promise<string[]> {
  const { items } = await client.listPage(volumePopulators, {});
  return items.filter(({ sourceKind }) => sourceKind.kind === kind).map(({ metadata }) => metadata.name);
}

/** Waits until the controller has looked so often again. */
async function rounds(count: number): Promise<void> {
  const wanted = looks + count;
  await eventually(
    'the controller to look again',
    () => looks,
    (seen) => seen >= wanted,
  );
}

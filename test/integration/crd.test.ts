/** The kinds as the API server takes them: what is refused names the field and the fix, what is accepted is kept and defaulted. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { kinds } from '../../src/api/crd.ts';
import type { NewObject } from '../../src/api/objects.ts';
import { type Population, populations } from '../../src/api/population.ts';
import { type Provider, providers } from '../../src/api/provider.ts';
import type { Connection, WriteOutcome } from '../../src/kube/index.ts';
import { eventually } from '../support/eventually.ts';
import { acceptedSpecs, refusedSpecs } from '../support/provider-specs.ts';
import { clientOf, controlPlane, customResourceDefinitions, done, newNamespace, removeAll } from './control-plane.ts';

jest.setTimeout(60_000);

const directory = join(import.meta.dirname, '..', '..', 'crds');
const sourceURL = 'https://example.com/data.tar.gz';

let client: Connection;
let namespace: string;
let count = 0;

beforeAll(async () => {
  client = clientOf(await controlPlane());
  namespace = await newNamespace(client);
  for (const { resource } of kinds) {
    const definition: NewObject = parse(
      readFileSync(join(directory, `${resource.group}_${resource.plural}.yaml`), 'utf8'),
    );
    const name = definition.metadata.name ?? '';
    done(
      await client.apply(customResourceDefinitions, { name }, definition, {
        fieldManager: 'volprime-test',
        force: true,
      }),
    );
    await eventually(`${resource.kind} to be served`, () => client.hasResource(resource));
  }
});
afterAll(async () => {
  await removeAll(client);
  await client.close();
});

function create(spec: object): Promise<WriteOutcome<Provider>> {
  count += 1;
  const metadata = { name: `provider-${count}`, namespace };
  return client.create(providers, { apiVersion: 'provider.example.com/v1', kind: 'Provider', metadata, spec });
}

describe('a Provider is refused, in words that name the field and the fix', () => {
  test.each(refusedSpecs)('$what', async ({ spec, words }) => {
    const message: unknown = expect.stringContaining(words);
    expect(await create(spec)).toEqual({ type: 'refused', reason: 'Invalid', message });
  });
});

describe('a Provider is accepted', () => {
  test.each(acceptedSpecs)('%s', async (_what, spec) => {
    expect(done(await create(spec)).spec).toMatchObject(spec);
  });

  test('with the root of the volume as its path unless told', async () => {
    expect(done(await create({ sourceURL })).spec.extractPath).toBe('/');
  });

  test('and its status is written apart from its spec', async () => {
    const { metadata, spec } = done(await create({ sourceURL }));
    const key = { namespace, name: metadata.name };
    const body = {
      metadata: { uid: metadata.uid },
      spec: { sourceURL: 'https://example.com/other' },
      status: { observedGeneration: 1 },
    };
    const written = done(await client.mergePatch(providers, key, body, { subresource: 'status' }));
    expect(written).toMatchObject({ spec, status: { observedGeneration: 1 } });
    expect(written.metadata.generation).toBe(1);
  });
});

describe('a Population', () => {
  const record = (status: object): Promise<WriteOutcome<Population>> => {
    count += 1;
    const metadata = { name: `record-${count}`, namespace };
    const spec = {
      claim: { name: 'data', uid: 'u' },
      source: { group: 'g', kind: 'K', name: 'n' },
      pinned: { namespace, uid: 's', generation: 3, spec: { nested: { list: [1, { deep: true }] } } },
    };
    return client.create(populations, {
      apiVersion: 'volprime.dev/v1alpha1',
      kind: 'Population',
      metadata,
      spec,
      status,
    });
  };

  test("keeps the source's spec as it is, whatever its kind", async () => {
    expect(done(await record({})).spec.pinned?.spec).toEqual({ nested: { list: [1, { deep: true }] } });
  });

  test('keeps the state of a plugin as it is, also where it is no object', async () => {
    const { metadata } = done(await record({}));
    for (const state of [{ job: 'x', tries: [1, 2] }, 'text', 7, [true]]) {
      const body = { metadata: { uid: metadata.uid }, status: { state } };
      const written = done(
        await client.mergePatch(populations, { namespace, name: metadata.name }, body, { subresource: 'status' }),
      );
      expect(written.status?.state).toEqual(state);
    }
  });

  test('has no other phases than the ones that are told', async () => {
    const { metadata } = done(await record({}));
    const body = { metadata: { uid: metadata.uid }, status: { phase: 'Resting' } };
    const outcome = await client.mergePatch(populations, { namespace, name: metadata.name }, body, {
      subresource: 'status',
    });
    expect(outcome).toMatchObject({
      type: 'refused',
      reason: 'Invalid',
      message: expect.stringContaining('status.phase'),
    });
  });
});

/** What is let into an observation, beside objects of an attacker who knows every UID and copies every mark. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod';
import { aClaim, aClass, aPod, aPopulation, aPrime, aVolume, protectedBy, UID } from '../../test/support/objects.ts';
import {
  CLAIM_FINALIZER,
  LABEL_CLAIM_UID,
  LABEL_MANAGED_BY,
  MANAGED_BY,
  PROTECTION_FINALIZER,
  podName,
  primeName,
} from '../api/names.ts';
import type { Claim, ObjectMeta, Pod, StorageClass, Volume } from '../api/objects.ts';
import type { Population } from '../api/population.ts';
import { MemoryStore } from '../informer/store.ts';
import type { Stores } from './context.ts';
import { claimIndexes, podIndexes, populationIndexes, volumeIndexes } from './map.ts';
import { Memory } from './memory.ts';
import { decide } from './decide.ts';
import type { Observation } from './observation.ts';
import { observe, sourceStoreKey } from './observe.ts';
import { PluginRegistry, type SourceObject } from './plugin-registry.ts';

const source = { group: 'provider.example.com', version: 'v1', kind: 'Provider' };
const plugins = new PluginRegistry([{ name: 'test', source, schema: z.unknown(), pod: () => ({}) }]);
const labels = { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_CLAIM_UID]: UID };
const AT = Date.parse('2026-01-02T03:04:05.000Z');

interface World {
  readonly claims: readonly Claim[];
  readonly populations: readonly Population[];
  readonly pods: readonly Pod[];
  readonly volumes: readonly Volume[];
}

function look({ claims, populations, pods, volumes }: World): Observation {
  const stores: Stores = {
    claims: filled(new MemoryStore<Claim>({ indexes: claimIndexes(plugins) }), claims),
    populations: filled(new MemoryStore<Population>({ indexes: populationIndexes }), populations),
    pods: filled(new MemoryStore<Pod>({ indexes: podIndexes }), pods),
    volumes: filled(new MemoryStore<Volume>({ indexes: volumeIndexes }), volumes),
    storageClasses: filled(new MemoryStore<StorageClass>({}), [aClass()]),
    sources: new Map([
      [
        sourceStoreKey(source.group, source.kind),
        filled(new MemoryStore<SourceObject>({}), [
          {
            apiVersion: 'provider.example.com/v1',
            kind: 'Provider',
            metadata: { ...meta('provider1', 'source-1'), generation: 1 },
            spec: { sourceURL: 'https://example.com/a.tgz', extractPath: '/' },
          },
        ]),
      ],
    ]),
    grants: undefined,
  };
  const config = {
    populatorImage: 'image',
    imagePullPolicy: undefined,
    podSettings: {},
    populatorNamespace: 'populators',
    passThrough: true,
    crashPointDirectory: undefined,
  };
  return observe({ stores, plugins, memory: new Memory(), config }, UID);
}

function filled<T extends Claim | Pod | Population | Volume | StorageClass | SourceObject>(
  store: MemoryStore<T>,
  objects: readonly T[],
): MemoryStore<T> {
  objects.forEach((object, index) =>
    store.merge({ ...object, metadata: { ...object.metadata, resourceVersion: String(index + 1) } }),
  );
  return store;
}

function meta(name: string, uid: string): ObjectMeta {
  return { namespace: 'app', name, uid, resourceVersion: '1', creationTimestamp: '2026-01-02T03:00:00.000Z' };
}

const prime = aPrime({ meta: { labels }, spec: { volumeName: 'pv-1' }, phase: 'Bound' });
const volume = aVolume('prime-1');
const claim = aClaim({ meta: protectedBy });
/** The pod of attempt 1 is at work. */
const working: World = {
  claims: [claim, prime],
  populations: [
    aPopulation({
      attempt: 1,
      prime: { namespace: 'app', name: primeName(UID), uid: 'prime-1' },
      volume: { name: 'pv-1', uid: 'volume-1' },
    }),
  ],
  pods: [aPod(1, { phase: 'Running' }, { labels })],
  volumes: [volume],
};
/** Nothing but the record: the source was missing until now. */
const waiting: World = { claims: [claim], populations: [aPopulation({})], pods: [], volumes: [] };

const succeeded: Pod['status'] = {
  phase: 'Succeeded',
  containerStatuses: [
    {
      name: 'populator',
      state: {
        terminated: {
          exitCode: 0,
          message: JSON.stringify({ outcome: 'succeeded', targets: [{ verification: 'checksum' }] }),
        },
      },
    },
  ],
};

/** Objects that copy all of ours: every label, annotation, owner, finalizer and UID, in other namespaces or under other names. */
const lookAlikePods = fc
  .record({
    namespace: fc.constantFrom('mallory', 'populators', 'app'),
    name: fc.constantFrom(
      podName(UID, 1),
      podName(UID, 2),
      `${podName(UID, 1)}x`,
      `x-${podName(UID, 1)}`,
      podName(UID, 0),
      'x-1',
    ),
    finalizers: fc.constantFrom([], [PROTECTION_FINALIZER], ['mallory.example.com/never']),
    deleting: fc.boolean(),
    status: fc.constantFrom<Pod['status']>(succeeded, { phase: 'Running' }, { phase: 'Failed' }),
    owned: fc.boolean(),
  })
  // In the claim's own namespace a name of ours is either taken by ours or reported when it stands in the way.
  .filter(({ namespace, name }) => namespace !== 'app' || !/-[12]$/.test(name) || name.startsWith('x-'));

type LookAlike = typeof lookAlikePods extends fc.Arbitrary<infer T> ? T : never;

function lookAlikePod({ namespace, name, finalizers, deleting, status, owned }: LookAlike, index: number): Pod {
  const original = aPod(1, status, { labels });
  const { ownerReferences = [], ...rest } = original.metadata;
  return {
    ...original,
    metadata: {
      ...rest,
      namespace,
      name,
      uid: `forged-${index}`,
      finalizers,
      ...(owned && { ownerReferences }),
      ...(deleting && { deletionTimestamp: '2026-01-02T03:00:30.000Z' }),
    },
  };
}

describe('an attacker with every UID', () => {
  test('changes no observation and no decision with pods, wherever they are and however they are', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(working, waiting),
        fc.array(lookAlikePods, { maxLength: 6 }),
        fc.boolean(),
        (world, alikes, before) => {
          const forged = alikes.map(lookAlikePod);
          const undisturbed = look(world);
          const observed = look({ ...world, pods: before ? [...forged, ...world.pods] : [...world.pods, ...forged] });
          const known = ({ pods, ...rest }: Observation) => ({
            ...rest,
            pods: pods.map(({ pod }) => pod.metadata.uid),
          });
          const withoutVersions = (o: Observation) => JSON.parse(JSON.stringify(known(o), dropVersion)) as unknown;
          expect(withoutVersions(observed)).toEqual(withoutVersions(undisturbed));
          expect(decide(observed, AT).type).toBe(decide(undisturbed, AT).type);
        },
      ),
    );
  });

  test.each<readonly [string, Partial<ObjectMeta>]>([
    ['without an owner', { ownerReferences: [] }],
    [
      'owned by another claim',
      {
        ownerReferences: [
          { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: 'other', uid: 'other', controller: true },
        ],
      },
    ],
    ['older than the record', { creationTimestamp: '2025-06-01T00:00:00.000Z' }],
    ['that names another record', { annotations: {} }],
  ])('has his claim %s reported, never taken for the prime', (_what, more) => {
    const forged = aPrime({
      meta: { labels, uid: 'own-1', ...more },
      spec: { volumeName: 'pv-audit-log' },
      phase: 'Bound',
    });
    const kept = aVolume('own-1', {
      meta: { name: 'pv-audit-log', uid: 'volume-9' },
      spec: { persistentVolumeReclaimPolicy: 'Retain' },
    });
    const o = look({ ...waiting, claims: [claim, forged], volumes: [kept] });
    expect(o.prime).toBeUndefined();
    expect(o.volume).toBeUndefined();
    expect(o.foreign).toMatchObject({ name: primeName(UID), namespace: 'app' });
    expect(decide(o, AT)).toMatchObject({ type: 'Wait', waiting: { reason: 'NameTaken' } });
    const deleted = { ...claim, metadata: { ...claim.metadata, deletionTimestamp: '2026-01-02T03:04:00.000Z' } };
    const leaving = decide(look({ ...waiting, claims: [deleted, forged], volumes: [kept] }), AT);
    expect(['CallCleanup', 'ReleaseClaim']).toContain(leaving.type);
  });

  test('has a claim of the same name in another namespace not even looked at', () => {
    const forged = aPrime({ meta: { labels, namespace: 'mallory', uid: 'own-1' } });
    expect(look({ ...waiting, claims: [claim, forged] })).toMatchObject({ prime: undefined, foreign: undefined });
  });
});

describe('a pod of ours', () => {
  const ended = (finalizers: string[]) =>
    aPod(1, { phase: 'Failed' }, { labels, finalizers, deletionTimestamp: '2026-01-02T03:00:30.000Z' });

  test('that was let go holds nothing up, whoever else keeps the object', () => {
    expect(look({ ...working, pods: [ended(['mallory.example.com/never'])] }).pods).toEqual([]);
  });

  test('is seen until it was let go, also with finalizers of others', () => {
    const pods = [ended(['mallory.example.com/never', PROTECTION_FINALIZER])];
    expect(look({ ...working, pods }).pods).toHaveLength(1);
  });

  test('is seen though its annotations were taken off, where the record holds its UID', () => {
    const population = aPopulation({ attempt: 1, pod: { name: podName(UID, 1), uid: 'pod-1' } });
    const pods = [aPod(1, { phase: 'Running' }, { labels, annotations: {}, ownerReferences: [] })];
    expect(look({ ...working, populations: [population], pods }).pods).toHaveLength(1);
  });
});

test('a record of another namespace with the same claim in it is not the record of a claim that is gone', () => {
  const other = aPopulation({}, { meta: { namespace: 'mallory', uid: 'population-9', name: 'other' } });
  const o = look({ ...waiting, claims: [], populations: [other, aPopulation({})] });
  expect(o.population?.metadata.uid).toBe('population-1');
  expect(claim.metadata.finalizers).toContain(CLAIM_FINALIZER);
});

function dropVersion(key: string, value: unknown): unknown {
  return key === 'resourceVersion' ? undefined : value;
}

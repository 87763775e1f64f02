import { describe, expect, test } from '@jest/globals';
import {
  aClaim,
  aPod,
  aPopulation,
  aPrime,
  aVolume,
  boundClaim,
  NOW,
  protectedBy,
  UID,
} from '../../../test/support/objects.ts';
import {
  LABEL_CLAIM_UID,
  LABEL_MANAGED_BY,
  LABEL_ROLE,
  MANAGED_BY,
  PROTECTION_FINALIZER,
  primeName,
} from '../../api/names.ts';
import type { Claim, Volume } from '../../api/objects.ts';
import { proofFor } from '../../api/proof.ts';
import { decideSweep } from './decide.ts';
import type { Finding } from './finding.ts';
import type { SweepObservation } from './observe.ts';

const deleted = { deletionTimestamp: '2026-01-02T03:00:00Z' };
const justNow = { deletionTimestamp: '2026-01-02T03:04:04Z' };
const living = aClaim({ meta: protectedBy });
const dying = aClaim({ meta: { ...protectedBy, ...deleted } });
const unheld = { meta: { finalizers: [] } };
const foreignKind = { dataSourceRef: { apiGroup: 'other.example.com', kind: 'Other', name: 'x' } };
const foreignRecord = {
  ...aPopulation(),
  spec: { ...aPopulation().spec, source: { group: 'other.example.com', kind: 'Other', name: 'x' } },
};
/** Made for a record that is not there. */
const strayMeta = {
  finalizers: [PROTECTION_FINALIZER],
  annotations: proofFor({ kind: 'Population', uid: 'population-0' }),
};
const proof = { labels: { [LABEL_CLAIM_UID]: UID } };
const strayPod = (phase: 'Running' | 'Failed', meta: object = {}) =>
  aPod(1, { phase }, { ...strayMeta, labels: { [LABEL_CLAIM_UID]: UID }, ...meta });
const left = (policy: 'Retain' | 'Delete', more: { name?: string; phase?: 'Bound' | 'Released'; at?: string } = {}) => {
  const volume = aVolume('prime-1', {
    phase: more.phase ?? 'Released',
    spec: {
      persistentVolumeReclaimPolicy: policy,
      claimRef: { namespace: 'app', name: more.name ?? primeName(UID), uid: 'prime-1' },
    },
  });
  const status = { ...volume.status, lastPhaseTransitionTime: more.at ?? '2026-01-02T03:00:00Z' };
  return { ...volume, status } satisfies Volume;
};

const foundEmpty = { name: 'pv-1', uid: 'volume-1', found: 'empty' as const };

type Told = Pick<Finding, 'kind' | 'action' | 'reason'>;
type Row = readonly [name: string, given: Partial<SweepObservation>, expected: readonly Told[]];
const tell = (kind: Told['kind'], action: Told['action'], reason: Told['reason']): Told => ({ kind, action, reason });

const rows: readonly Row[] = [
  ['an empty cluster', {}, []],
  ['a claim at rest', { claims: [boundClaim('pv-1')].map(withoutOurs), populations: [aPopulation({}, unheld)] }, []],
  [
    'a population in the middle of its work',
    { claims: [living, aPrime()], populations: [aPopulation({ phase: 'Populating' })], pods: [aPod(1, {}, proof)] },
    [],
  ],
  // What a record knows is the reconcile's.
  ['a record that outlives its claim', { populations: [aPopulation()] }, [tell('Population', 'resume', 'WorkLeft')]],
  [
    'a prime and a pod whose claim is gone',
    { claims: [aPrime({ meta: proof })], populations: [aPopulation()], pods: [aPod(1, { phase: 'Running' }, proof)] },
    [tell('Population', 'resume', 'WorkLeft'), tell('Prime', 'resume', 'WorkLeft'), tell('Pod', 'resume', 'WorkLeft')],
  ],
  [
    'a claim that is deleted',
    { claims: [dying], populations: [aPopulation()] },
    [tell('Population', 'resume', 'WorkLeft'), tell('Claim', 'resume', 'WorkLeft')],
  ],
  [
    'a record that was orphaned and has done its work',
    { populations: [aPopulation({}, { meta: { finalizers: [], ownerReferences: [] } })] },
    [tell('Population', 'delete', 'RecordOutlivesClaim')],
  ],
  ['a record that the garbage collector will take', { populations: [aPopulation({}, unheld)] }, []],
  [
    'a record of a later version',
    { claims: [dying], populations: [aPopulation({ format: 2 })] },
    [tell('Population', 'report', 'RecordTooNew'), tell('Claim', 'resume', 'WorkLeft')],
  ],
  // Another controller's.
  ['a claim of another controller', { claims: [aClaim({ meta: protectedBy, spec: foreignKind })] }, []],
  [
    'its claim that has just been deleted',
    { claims: [aClaim({ meta: { ...protectedBy, ...justNow }, spec: foreignKind })], populations: [foreignRecord] },
    [],
  ],
  [
    'its claim whose deletion stands still',
    { claims: [aClaim({ meta: { ...protectedBy, ...deleted }, spec: foreignKind })], populations: [foreignRecord] },
    [tell('Claim', 'report', 'NoPluginToCleanUp')],
  ],
  [
    'its record whose claim is gone for long',
    { populations: [foreignRecord] },
    [tell('Population', 'report', 'NoPluginToCleanUp')],
  ],
  // Held for nothing.
  [
    'a deleted claim with our finalizer, without a record, and nobody to serve it',
    { claims: [aClaim({ meta: { ...protectedBy, ...deleted }, spec: foreignKind })] },
    [tell('Claim', 'release', 'HeldForNothing')],
  ],
  [
    'a claim without a source that has our finalizer by a copied manifest',
    { claims: [withoutSource(aClaim({ meta: { ...protectedBy, ...deleted } }))] },
    [tell('Claim', 'release', 'HeldForNothing')],
  ],
  ['the same, not deleted', { claims: [withoutSource(aClaim({ meta: protectedBy }))] }, []],
  // The record is gone.
  [
    'a deleted prime whose record is gone',
    { claims: [aPrime({ meta: { ...strayMeta, ...deleted } })] },
    [tell('Prime', 'release', 'MadeForNobody')],
  ],
  [
    'the same beside its living claim',
    { claims: [living, aPrime({ meta: { ...strayMeta, ...deleted } })] },
    [tell('Prime', 'release', 'MadeForNobody')],
  ],
  [
    'a prime whose record is gone',
    { claims: [aPrime({ meta: strayMeta })] },
    [tell('Prime', 'report', 'MadeForNobody')],
  ],
  [
    'a pod whose record is gone, ended and deleted',
    { pods: [strayPod('Failed', deleted)] },
    [tell('Pod', 'release', 'MadeForNobody')],
  ],
  ['a pod whose record is gone, deleted and perhaps still at work', { pods: [strayPod('Running', deleted)] }, []],
  ['a pod whose record is gone, at work', { pods: [strayPod('Running')] }, [tell('Pod', 'report', 'MadeForNobody')]],
  // Volumes of primes that are gone.
  [
    'a retained volume of a prime that nobody knows',
    { volumes: [left('Retain')] },
    [tell('Volume', 'report', 'VolumeOfNoPrime')],
  ],
  [
    'a retained volume of the prime that a record names',
    {
      claims: [living],
      volumes: [left('Retain')],
      populations: [aPopulation({ prime: { name: 'p', namespace: 'app', uid: 'prime-1' }, volume: foundEmpty })],
    },
    [tell('Volume', 'reclaim', 'VolumeOfNoPrime')],
  ],
  [
    'a retained volume of the prime that a record has discarded',
    {
      claims: [living],
      volumes: [left('Retain')],
      populations: [aPopulation({ discard: 'prime-1', volume: foundEmpty })],
    },
    [tell('Volume', 'reclaim', 'VolumeOfNoPrime')],
  ],
  ...[undefined, { ...foundEmpty, found: 'content' as const }, { ...foundEmpty, uid: 'volume-0' }].map(
    (volume): Row => [
      `the same, and the record does not call this volume empty: ${JSON.stringify(volume)}`,
      {
        claims: [living],
        volumes: [left('Retain')],
        populations: [aPopulation({ discard: 'prime-1', ...(volume && { volume }) })],
      },
      [tell('Volume', 'report', 'VolumeOfNoPrime')],
    ],
  ),
  ['a volume on its way out', { volumes: [left('Delete', { at: '2026-01-02T03:04:00Z' })] }, []],
  [
    'a volume that its provisioner does not remove',
    { volumes: [left('Delete')] },
    [tell('Volume', 'report', 'VolumeOfNoPrime')],
  ],
];

/** Whoever may write in a namespace may try all of these; none of them may cost anybody anything. */
const hostile: readonly Row[] = [
  [
    'a claim with the name of a prime',
    { claims: [named(aClaim({ meta: { uid: 'theirs' } }), primeName(UID))].map(withoutSource) },
    [tell('Prime', 'report', 'NotProvenOurs')],
  ],
  [
    'a claim with our labels',
    {
      claims: [withoutSource(aClaim({ meta: { labels: { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_ROLE]: 'prime' } } }))],
    },
    [tell('Prime', 'report', 'NotProvenOurs')],
  ],
  [
    'a claim with the label of another claim and the UID of its record',
    {
      claims: [living, named(aPrime({ meta: { ...proof, uid: 'theirs', finalizers: [] } }), 'theirs')],
      populations: [aPopulation()],
    },
    [],
  ],
  [
    "a claim that says it was made for somebody's living record",
    {
      claims: [living, named(aPrime({ meta: { ...deleted, uid: 'theirs' } }), 'theirs')],
      populations: [aPopulation()],
    },
    [],
  ],
  [
    'a deleted claim of the user that only names a record that does not exist',
    { claims: [named(aPrime({ meta: { ...strayMeta, finalizers: ['example.com/theirs'] } }), 'theirs')] },
    [tell('Prime', 'report', 'NotProvenOurs')],
  ],
  ['a pod with our label alone', { pods: [aPod(1, {}, { finalizers: [] })] }, [tell('Pod', 'report', 'NotProvenOurs')]],
  [
    'a Population under another name than its claim has it',
    {
      populations: [
        aPopulation({ prime: { name: 'p', namespace: 'app', uid: 'prime-1' } }, { meta: { name: 'forged' } }),
      ],
      volumes: [left('Retain')],
    },
    [tell('Population', 'report', 'NotProvenOurs'), tell('Volume', 'report', 'VolumeOfNoPrime')],
  ],
  [
    "a Population that belongs to somebody else's object",
    {
      populations: [
        aPopulation(
          {},
          { meta: { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'other' }] } },
        ),
      ],
    },
    [tell('Population', 'report', 'NotProvenOurs')],
  ],
  ["somebody's retained volume", { volumes: [left('Retain', { name: 'data' })] }, []],
  ["somebody's retained volume with a name like ours", { volumes: [left('Retain', { name: 'volprime-data' })] }, []],
  ['a bound volume that only its claim knows', { volumes: [left('Retain', { phase: 'Bound' })] }, []],
  [
    'a retained volume in a namespace that this controller does not see',
    { volumes: [left('Retain')], namespaces: ['other'] },
    [],
  ],
  [
    'a volume that was handed over and kept when its claim went',
    {
      volumes: [
        aVolume(UID, {
          phase: 'Released',
          spec: { persistentVolumeReclaimPolicy: 'Retain', claimRef: { namespace: 'app', name: 'data', uid: UID } },
        }),
      ],
    },
    [],
  ],
];

describe('decideSweep', () => {
  test.each(rows)('%s', (_name, given, expected) => expectFindings(given, expected));
});

describe('decideSweep is not led astray by', () => {
  test.each(hostile)('%s', (_name, given, expected) => expectFindings(given, expected));
});

test('what is told names no action that needs a proof where there is none', () => {
  for (const [, given] of hostile) {
    for (const { action } of decideSweep(observation(given), NOW)) expect(action).toBe('report');
  }
});

function expectFindings(given: Partial<SweepObservation>, expected: readonly Told[]): void {
  const found = decideSweep(observation(given), NOW);
  expect(found.map(({ kind, action, reason }) => ({ kind, action, reason }))).toEqual(expected);
}

function observation(given: Partial<SweepObservation>): SweepObservation {
  const serves = (group: string, kind: string) => group === 'provider.example.com' && kind === 'Provider';
  return { claims: [], pods: [], populations: [], volumes: [], serves, namespaces: undefined, ...given };
}

function withoutOurs(claim: Claim): Claim {
  return { ...claim, metadata: { ...claim.metadata, finalizers: ['kubernetes.io/pvc-protection'] } };
}

function withoutSource(claim: Claim): Claim {
  const { dataSourceRef: _none, ...spec } = claim.spec;
  return { ...claim, spec };
}

function named(claim: Claim, name: string): Claim {
  return { ...claim, metadata: { ...claim.metadata, name } };
}

import { expect, test } from '@jest/globals';
import { aClaim, aPod, aPopulation, aPrime, aVolume, protectedBy, UID } from '../../test/support/objects.ts';
import {
  CAPTURE_SOURCE_FINALIZER,
  CLAIM_FINALIZER,
  LABEL_CLAIM_UID,
  LABEL_MANAGED_BY,
  MANAGED_BY,
  primeName,
} from '../api/names.ts';
import { describePlan, type Held, planRelease } from './release-plan.ts';

const labels = { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_CLAIM_UID]: UID };
const nobody: Held = { claims: [], pods: [], populations: [], volumes: [] };
const prime = aPrime({ meta: { labels }, spec: { volumeName: 'pv-1' }, phase: 'Bound' });

test('everything of a population at work is released, the record last', () => {
  const held = {
    ...nobody,
    claims: [aClaim({ meta: protectedBy }), prime],
    pods: [aPod(1, {}, { labels })],
    populations: [aPopulation()],
  };
  expect(planRelease(held).release.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    `Pod ${primeName(UID)}-1`,
    `PersistentVolumeClaim ${primeName(UID)}`,
    'PersistentVolumeClaim data',
    `Population ${primeName(UID)}`,
  ]);
});

test('what others hold is not ours to release', () => {
  const others = { meta: { finalizers: ['kubernetes.io/pvc-protection', 'example.com/volprime.dev'] } };
  const held = { ...nobody, claims: [aClaim(others)], populations: [aPopulation({}, { meta: { finalizers: [] } })] };
  expect(describePlan(planRelease(held), 'would release')).toEqual(['nothing waits for Volprime']);
});

test('what is left is named with a command', () => {
  const claimRef = { namespace: 'app', name: primeName(UID), uid: 'gone' };
  const stray = aVolume('gone', {
    meta: { name: 'pv-2' },
    spec: { claimRef, persistentVolumeReclaimPolicy: 'Retain' },
    phase: 'Released',
  });
  const own = aVolume('prime-1', { spec: { claimRef: { ...claimRef, uid: 'prime-1' } } });
  const { left } = planRelease({ ...nobody, claims: [prime], pods: [aPod(1, {}, { labels })], volumes: [stray, own] });
  expect(left).toEqual([
    expect.stringContaining(`kubectl delete pod --namespace=app ${primeName(UID)}-1`),
    expect.stringMatching(/volume pv-1, perhaps half-written: kubectl delete pvc --namespace=app volprime-/),
    expect.stringMatching(/pv-2 \(Released, Retain\).*kubectl describe pv pv-2/),
  ]);
});

test('a temporary claim whose volume was handed over is not called half-written', () => {
  const claimRef = { namespace: 'app', name: 'data', uid: UID };
  const { left } = planRelease({ ...nobody, claims: [prime], volumes: [aVolume(UID, { spec: { claimRef } })] });
  expect(left).toEqual([
    expect.stringMatching(
      /its volume pv-1 belongs to app\/data and stays: kubectl delete pvc --namespace=app volprime-/,
    ),
  ]);
  expect(planRelease({ ...nobody, claims: [prime], volumes: undefined }).left[0]).toContain('perhaps half-written');
});

test('where volumes may not be listed, it says so', () => {
  expect(planRelease({ ...nobody, volumes: undefined }).left).toEqual([expect.stringContaining('kubectl get pv')]);
});

test.each([CLAIM_FINALIZER, CAPTURE_SOURCE_FINALIZER])('a claim that waits for %s is released', (finalizer) => {
  const held = aClaim({ meta: { finalizers: [finalizer] } });
  expect(planRelease({ ...nobody, claims: [held] }).release).toEqual([held]);
});

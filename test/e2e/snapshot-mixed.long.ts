/** Scenario 30 of docs/snapshot-capture.md with fifty snapshots at a time: `make e2e-full`. */
import { afterAll, beforeAll, test } from '@jest/globals';
import { aPlainClaim } from './harness/manifests.ts';
import { takeMixed } from './harness/mixed-snapshots.ts';
import { admit } from './harness/namespaces.ts';
import { aFilledClaim, aRepositoryClass, aRepositorySecret } from './harness/snapshots.ts';
import { type Lane, type Suite, useSuite } from './harness/suite.ts';

let suite: Suite;
let lane: Lane;
useSuite(async (opened) => {
  suite = opened;
  lane = await suite.lane('mixed');
});
const className = () => `mixed-${lane.namespace}`;
beforeAll(async () => {
  const { namespace } = lane;
  await admit(suite.cluster, namespace, 'baseline');
  await suite.apply(
    aRepositoryClass(className(), { clone: 'never' }),
    aPlainClaim(namespace, 'repository', 'imm-del', '256Mi'),
    aRepositorySecret(namespace),
  );
  await aFilledClaim(suite, namespace, 'original');
}, 5 * 60_000);
afterAll(async () => {
  await suite?.cluster.kubectl(['delete', 'volumesnapshotclass', '--ignore-not-found', className()]);
});

test(
  'fifty snapshots of two drivers at a time: each content is written by its own side',
  () => takeMixed({ suite, ...lane }, { claim: 'original', className: className(), count: 50 }),
  20 * 60_000,
);

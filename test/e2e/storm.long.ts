/** The long storm: `make e2e-storm`, or as part of `make e2e-full`. */
import { afterAll, beforeAll, test } from '@jest/globals';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import { playStorm, stormSeed } from './harness/storm.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
}, CLUSTER_UP_MS);
afterAll(async () => suite?.[Symbol.asyncDispose](), SUITE_DOWN_MS);

test(
  'after a storm over 200 claims every one that is left holds its data, and nothing is left of the others',
  () => playStorm(suite, stormSeed(), { claims: 200, pods: 60, steps: 70, longestWaitMs: 5000 }),
  40 * 60_000,
);

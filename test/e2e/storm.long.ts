/** The long storm: `make e2e-storm`, or as part of `make e2e-full`. */
import { test } from '@jest/globals';
import { playStorm, stormSeed } from './harness/storm.ts';
import { type Suite, useSuite } from './harness/suite.ts';

let suite: Suite;
useSuite((opened) => {
  suite = opened;
});

test(
  'after a storm over 200 claims every one that is left holds its data, and nothing is left of the others',
  () => playStorm(suite, stormSeed(), { claims: 200, pods: 60, steps: 70, longestWaitMs: 5000 }),
  40 * 60_000,
);

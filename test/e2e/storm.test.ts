/** The short form of the storm; `make e2e-storm` runs the long one. */
import { expect, test } from '@jest/globals';
import { playStorm, stormSeed } from './harness/storm.ts';
import { planStorm } from './harness/storm-plan.ts';
import { type Suite, useSuite } from './harness/suite.ts';

/** One storm for every run of `make test`: what a gate says should not hang on chance. The long form has another each time. */
const USUAL_STORM = 2061167509;
const size = { claims: 30, pods: 12, steps: 15, longestWaitMs: 3000 };

let suite: Suite;
useSuite((opened) => {
  suite = opened;
});

test('a seed stands for one storm', () => {
  expect(planStorm(7, size)).toEqual(planStorm(7, size));
  expect(planStorm(7, size)).not.toEqual(planStorm(8, size));
});

test(
  'case 1, case 2, case 55, case 57: after a storm every claim that is left holds its data, and nothing is left of the others',
  () => playStorm(suite, stormSeed(USUAL_STORM), size),
  8 * 60_000,
);

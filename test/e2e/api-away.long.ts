/** The API server is away for five minutes: the long form of case 58 in api-faults.test.ts. */
import { test } from '@jest/globals';
import { playApiAway } from './harness/api-away.ts';
import { type Suite, useSuite } from './harness/suite.ts';

let suite: Suite;
useSuite((opened) => {
  suite = opened;
});

test(
  'cases 58 and 59: for five minutes in the middle of the work, while claims and sources are deleted',
  () => playApiAway(suite, 5 * 60_000),
  15 * 60_000,
);

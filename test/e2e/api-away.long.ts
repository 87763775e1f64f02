/** The API server is away for five minutes: the long form of case 58 in api-faults.test.ts. */
import { afterAll, beforeAll, test } from '@jest/globals';
import { playApiAway } from './harness/api-away.ts';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
}, CLUSTER_UP_MS);
afterAll(async () => suite?.[Symbol.asyncDispose](), SUITE_DOWN_MS);

test(
  'cases 58 and 59: for five minutes in the middle of the work, while claims and sources are deleted',
  () => playApiAway(suite, 5 * 60_000),
  15 * 60_000,
);

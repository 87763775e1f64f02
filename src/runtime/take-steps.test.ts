import { expect, test } from '@jest/globals';
import { VolprimeError } from '../api/errors.ts';
import { done, type Outcome, stale } from './outcome.ts';
import { type Rest, rest, STALE_MS, takeSteps } from './take-steps.ts';

function run(became: readonly (Outcome | Rest)[], signal = new AbortController().signal) {
  let taken = 0;
  const step = async () => became[taken++] ?? done;
  return takeSteps({ what: 'claim a', most: 3, signal }, step).then(
    (result) => ({ taken, result }),
    (error: unknown) => ({ taken, error, ...(error instanceof VolprimeError && { code: error.code }) }),
  );
}

test.each([
  ['rest', [done, done, rest()], { taken: 3, result: {} }],
  ['rest until a time', [rest({ requeueAfterMs: 7 })], { taken: 1, result: { requeueAfterMs: 7 } }],
  ['a stale decision', [done, stale('it has changed')], { taken: 2, result: { requeueAfterMs: STALE_MS } }],
  [
    'a refusal',
    [{ type: 'blocked', reason: 'Forbidden', message: 'no' }],
    { taken: 1, code: 'Forbidden', error: new VolprimeError('Forbidden', 'no') },
  ],
  [
    'a loop',
    [],
    {
      taken: 3,
      code: 'TooManySteps',
      error: new VolprimeError('TooManySteps', 'claim a took 3 steps in one run without coming to rest'),
    },
  ],
] as const)('steps end with %s', async (_, became, expected) => {
  expect(await run(became)).toEqual(expected);
});

test('no step is taken once the run is over', async () => {
  const reason = new Error('the lease is lost');
  expect(await run([rest()], AbortSignal.abort(reason))).toEqual({ taken: 0, error: reason });
});

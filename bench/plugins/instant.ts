/**
 * The least that a pod-less plugin can do: the data is there at once, so that what is measured is the framework alone. A source with the
 * name `failing` fails for ever.
 */
import { definePlugin } from '../../src/sdk/index.ts';

export const plugin = definePlugin<object>({
  name: 'bench-instant',
  source: { group: 'bench.volprime.dev', version: 'v1', kind: 'Instant' },
  schema: { parse: () => ({}) },
  populate: async ({ source }) => {
    if (source.name === 'failing') throw new Error('this source always fails');
  },
  populateComplete: async () => ({ done: true, result: { verification: 'none' } }),
});

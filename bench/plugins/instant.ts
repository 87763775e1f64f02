/** The least that a pod-less plugin can do: the data is there at once, so that what is measured is the framework alone. */
import { definePlugin } from '../../src/sdk/index.ts';

export const plugin = definePlugin<object>({
  name: 'bench-instant',
  source: { group: 'bench.volprime.dev', version: 'v1', kind: 'Instant' },
  schema: { parse: () => ({}) },
  populate: async () => {},
  populateComplete: async () => ({ done: true, result: { verification: 'none' } }),
});

import { describe, expect, test } from '@jest/globals';
import type { CleanupParams } from './plugin.ts';
import { definePlugin } from './define-plugin.ts';

const logger = { debug() {}, info() {}, warn() {}, error() {} };
const params = (spec: unknown): CleanupParams<unknown> => ({
  source: { namespace: 'lib', name: 'shared', uid: 'source-1', generation: 1, spec },
  claim: { namespace: 'app', name: 'data', uid: 'claim-1' },
  attempt: { number: 0, id: 'claim-1-0' },
  home: 'app',
  marks: {
    labels: {},
    annotations: {},
    ownerReferences: [],
    record: { kind: 'Population', uid: 'record-1', createdAt: undefined },
  },
  state: undefined,
  prepared: undefined,
  prime: undefined,
  volume: undefined,
  logger,
  signal: new AbortController().signal,
});

describe('the cleanup function', () => {
  const seen: unknown[] = [];
  const plugin = definePlugin<{ readonly dataset: string }>({
    name: 'test',
    source: { group: 'example.com', version: 'v1', kind: 'Dataset' },
    schema: {
      parse: (spec) => {
        if (typeof spec !== 'object' || spec === null || !('dataset' in spec)) throw new Error('dataset is missing');
        return { dataset: String(spec.dataset) };
      },
    },
    populate: async () => {},
    populateComplete: async () => true,
    populateCleanup: async ({ source }) => {
      seen.push(source.spec);
    },
  });

  test('gets the spec as the schema reads it', async () => {
    await plugin.populateCleanup?.(params({ dataset: 7, other: true }));
    expect(seen.pop()).toEqual({ dataset: '7' });
  });

  test('runs without one, where the spec of a source elsewhere is not known any more', async () => {
    await plugin.populateCleanup?.(params(undefined));
    expect(seen.pop()).toBeUndefined();
  });
});

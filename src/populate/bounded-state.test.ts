import { expect, test } from '@jest/globals';
import { jsonBytes, MAX_STATE_BYTES } from '../api/source-size.ts';
import { boundedState } from './bounded-state.ts';

test('a plugin keeps 4 KiB of state, and is told when it wants more', () => {
  const state = 'x'.repeat(MAX_STATE_BYTES - jsonBytes(''));
  expect(boundedState({ done: false, state })).toEqual({ done: false, state });
  expect(boundedState({ done: true })).toEqual({ done: true });
  expect(() => boundedState({ done: false, state: `${state}x` })).toThrow(
    'the state has 4097 bytes of JSON, and at most 4096 are kept',
  );
});

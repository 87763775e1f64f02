import { describe, expect, test } from '@jest/globals';
import type { Condition } from '../api/objects.ts';
import { conditionOf, setCondition } from './conditions.ts';

const earlier = '2026-01-01T00:00:00Z';
const now = Date.parse('2026-01-02T03:04:05.678Z');
const ready: Condition = {
  type: 'Ready',
  status: 'False',
  reason: 'Waiting',
  message: 'waits',
  lastTransitionTime: earlier,
};
const stalled: Condition = {
  type: 'Stalled',
  status: 'False',
  reason: 'Fine',
  message: '',
  lastTransitionTime: earlier,
};

describe('setCondition', () => {
  test('adds one that is missing, with the time of now in whole seconds', () => {
    const update = { type: 'Ready', status: 'True', reason: 'Done', message: 'done', observedGeneration: 2 } as const;
    expect(setCondition(undefined, update, now)).toEqual([{ ...update, lastTransitionTime: '2026-01-02T03:04:05Z' }]);
    expect(setCondition([stalled], update, now)).toEqual([
      stalled,
      { ...update, lastTransitionTime: '2026-01-02T03:04:05Z' },
    ]);
  });

  test.each<[string, Partial<Condition>, string]>([
    ['another status', { status: 'True' }, '2026-01-02T03:04:05Z'],
    ['another reason', { reason: 'StillWaiting' }, earlier],
    ['another message', { message: 'waits for a node' }, earlier],
    ['another generation', { observedGeneration: 3 }, earlier],
  ])('%s replaces it in its place', (_, change, lastTransitionTime) => {
    const { lastTransitionTime: __, ...known } = ready;
    expect(setCondition([ready, stalled], { ...known, ...change }, now)).toEqual([
      { ...ready, ...change, lastTransitionTime },
      stalled,
    ]);
  });

  test('nothing new is the same list', () => {
    const conditions = [ready, stalled];
    const { lastTransitionTime: _, ...known } = ready;
    expect(setCondition(conditions, known, now)).toBe(conditions);
  });
});

test('conditionOf finds by type', () => {
  expect(conditionOf([ready, stalled], 'Stalled')).toBe(stalled);
  expect([conditionOf([ready], 'Other'), conditionOf(undefined, 'Ready')]).toEqual([undefined, undefined]);
});
